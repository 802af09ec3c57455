"""The pages of the board, a module each; `ROUTERS` is what the application serves."""

from kijitsu.web.views import audits, changes, deliveries, milestone, plan_file, plans, stops, timeline, today

ROUTERS = (
    today.router,
    timeline.router,
    stops.router,
    milestone.router,
    changes.router,
    deliveries.router,
    plans.router,
    plan_file.router,
    audits.router,
)
