"""The report of a replay: the year on one page, without a script or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from kijitsu.domain.eras import show_date
from kijitsu.domain.gates import SHOWN, Status
from kijitsu.domain.history import History
from kijitsu.domain.plan import Plan
from kijitsu.explain import TOPICS
from kijitsu.web.gantt import Row, gantt, legend, states_by_milestone
from kijitsu.web.templating import environment

if TYPE_CHECKING:
    from kijitsu.services.watching import PassReport
    from kijitsu.store.rows import ReminderRow, TransitionRow


def year_report(
    plan: Plan,
    history: History | None,
    reports: Sequence[PassReport],
    transitions: Sequence[TransitionRow],
    ledger: Sequence[ReminderRow],
    totals: Mapping[str, Any],
) -> str:
    """Return the page as HTML: the totals, the picture of the year with an equivalent table, every stop and letter."""
    first, last, final = reports[0].on, reports[-1].on, reports[-1].standing
    states = states_by_milestone([(t.occurred_on, t.milestone, t.after) for t in transitions])
    shown = [id for id in final.plan.milestones if not _was_over(states.get(id, ()), first)]
    rows = [
        Row(
            id,
            final.plan.milestones[id].title,
            states.get(id, ()),
            final.plan.milestones[id].window,
            final.slots[id].due,
        )
        for id in shown
    ]
    title = f"{plan.title} {show_date(first)}～{show_date(last)}"
    return (
        environment(wareki=show_date, shown=_shown)
        .get_template("report.html")
        .render(
            plan=final.plan,
            history=history,
            title=title,
            totals=totals,
            picture=gantt(rows, first, last, title),
            legend=legend(),
            rows=[_table_row(final.plan, row, final.verdicts[row.id].status) for row in rows],
            done_before=len(final.plan.milestones) - len(shown),
            stops=[t for t in transitions if t.after == Status.BLOCKED],
            letters=_letters(ledger),
        )
    )


def _shown(status: str) -> str:
    return SHOWN[Status(status)]


def _was_over(states: Sequence[tuple[date, Status]], first: date) -> bool:
    """Tell whether a milestone was over at the first look: it has no part in the picture."""
    return len(states) == 1 and states[0][1] in (Status.DONE, Status.WAIVED, Status.CANCELLED)


def _table_row(plan: Plan, row: Row, status: Status) -> dict[str, Any]:
    milestone = plan.milestones[row.id]
    done = next((day for day, state in reversed(row.states) if state is Status.DONE), None)
    stopped = [
        (day, row.states[number + 1][0] if number + 1 < len(row.states) else None)
        for number, (day, state) in enumerate(row.states)
        if state is Status.BLOCKED
    ]
    return {
        "title": row.title,
        "owner": plan.organisation.bodies[milestone.owner].title,
        "window": milestone.window.wording if milestone.window else "－",
        "due": row.due,
        "status": status,
        "done": done,
        "stopped": stopped,
    }


def _letters(ledger: Sequence[ReminderRow]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for row in ledger:
        if row.state != "covered":
            topic = TOPICS[row.rule.partition(":")[0]]
            counts[topic] = counts.get(topic, 0) + 1
    return list(counts.items())
