"""Prefect's dashboard as a manager uses it, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """Open the dashboard; whatever its pages ask of anybody but this machine fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="ja-JP")
    page = context.new_page()
    foreign: list[str] = []

    def is_ours(asked: str) -> bool:
        return asked.removeprefix("blob:").startswith((url, "data:"))

    page.on("request", lambda sent: None if is_ours(sent.url) else foreign.append(sent.url))
    page.goto(f"{url}/deployments")
    yield page
    context.close()
    assert foreign == []


def field(page: Page, title: str) -> Locator:
    """Return the field of a form that has a title."""
    label = page.locator(".schema-form-property__label").get_by_text(re.compile(rf"^{title}( \(Optional\))?$"))
    return page.locator(".schema-form-property").filter(has=label).last


def write(page: Page, title: str, text: str) -> None:
    """Write into a field."""
    field(page, title).locator("textarea, input").first.fill(text)


def choose(page: Page, title: str, option: str) -> None:
    """Choose from a list: it opens at its right end only, and holds what it shows and a search for the rest."""
    field(page, title).locator(".p-select-button__icon").click()
    page.locator(".p-select-option").first.wait_for()
    search = page.get_by_role("combobox")
    if search.count():
        search.fill(option)
    page.locator(".p-select-option", has_text=option).first.click()


def start_run(page: Page, deployment: str) -> None:
    """Open the form of a deployment, as its Run button offers it."""
    page.get_by_role("link", name=deployment, exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").click()


def submit(page: Page) -> None:
    """Send the form, and open the run that it starts."""
    page.get_by_role("button", name="Submit").click()
    # The notice slides in and out: nothing that holds still to be clicked.
    page.locator(".toast-flow-run-create__button").first.dispatch_event("click")
