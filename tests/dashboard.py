"""Prefect's dashboard as people use it, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from playwright.sync_api import Browser, Locator, Page

MOST_PRESSES = 3
"""So often somebody presses a button whose answer is that the server is busy."""


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """Open the dashboard; whatever its pages ask of anybody but this machine fails the test."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": 1440, "height": 960},
        locale="ja-JP",
        timezone_id="Asia/Tokyo",
        reduced_motion="reduce",
    )
    page = context.new_page()
    foreign: list[str] = []

    def is_ours(asked: str) -> bool:
        return asked.removeprefix("blob:").startswith((url, "data:"))

    page.on("request", lambda sent: None if is_ours(sent.url) else foreign.append(sent.url))
    page.goto(f"{url}/deployments")
    yield page
    context.close()
    assert foreign == []


def turn_to(page: Page, part: str) -> None:
    """Open a part of the dashboard by its name at the left."""
    page.locator(".p-context-nav-item", has_text=part).first.click()


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


def pick(page: Page, title: str, day: str) -> None:
    """Pick a day (2016-07-13) in the calendar of a field."""
    field(page, title).locator(".p-date-button__actions button").last.click()
    page.locator(".p-date-picker input[type=date]").fill(day)
    page.locator(".p-date-picker").get_by_role("button", name="Apply").click()


def open_form(page: Page, deployment: str) -> None:
    """Open the form of a deployment, as its Run button offers it."""
    _turn_to_deployment(page, deployment)
    _press_run(page, "Custom run")


def _turn_to_deployment(page: Page, deployment: str) -> None:
    turn_to(page, "Deployments")
    page.get_by_role("link", name=deployment, exact=True).first.click()


def _press_run(page: Page, kind: str) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text(kind).click()


def submit(page: Page) -> str:
    """Send the form, open the run that it starts, and return the run's id."""
    return _opened_run(page, page.get_by_role("button", name="Submit").click)


def run_at_once(page: Page, deployment: str) -> str:
    """Start a deployment without its form, open the run, and return the run's id."""
    _turn_to_deployment(page, deployment)
    return _opened_run(page, partial(_press_run, page, "Quick run"))


def _opened_run(page: Page, press: Callable[[], None]) -> str:
    # By what the server answers: the notice that leads to the run slides in and out, and is gone before a slow machine
    # has clicked it. On SQLite Prefect answers 503, and starts nothing, when somebody else wrote between its own
    # reading and writing; its clients ask again by themselves, and people press again.
    for _ in range(MOST_PRESSES):
        with page.expect_response(re.compile("/create_flow_run$")) as answered:
            press()
        if answered.value.status != 503:
            break
    assert answered.value.ok, answered.value.text()
    run = str(answered.value.json()["id"])
    page.goto(f"/runs/flow-run/{run}")
    return run


def copy_to_new_run(page: Page) -> None:
    """Open the form of a run's deployment, filled in as it was."""
    page.locator(".flow-run-menu button").first.click()
    page.locator(".p-overflow-menu-item", has_text="Copy to new run").click()


def lay_out_as_grid(page: Page) -> None:
    """Give a run's graph the whole window, with its runs in the order of what waits for what."""
    page.get_by_role("button", name="Run Graph Options").click()
    page.get_by_text("Dependency grid").first.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Toggle fullscreen (f)").click()
    _let_it_draw(page)
    page.get_by_role("button", name="Recenter graph (c)").click()
    _let_it_draw(page)


def _let_it_draw(page: Page) -> None:
    """Let the graph, which is drawn frame by frame, come to rest."""
    page.evaluate(
        "() => new Promise(done => { let n = 0; const next = () => ++n < 20"
        " ? requestAnimationFrame(next) : done(); next(); })"
    )
