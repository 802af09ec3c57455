"""The one environment of our templates, of pages that are served and of pages that are written into a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(**filters: Callable[..., Any]) -> Environment:
    """Return an environment of our templates, which escapes what it is given and knows these filters."""
    made = Environment(
        loader=PackageLoader("kijitsu.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= filters
    return made
