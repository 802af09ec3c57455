"""The pages of the board, a module each; `ROUTERS` is what the application serves."""

from kijitsu.web.views import changes, today

ROUTERS = (today.router, changes.router)
