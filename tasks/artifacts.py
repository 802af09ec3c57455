"""What the secretariat reads in the dashboard: artifacts under stable keys, the newest first, older ones as history."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from kijitsu.bootstrap import open_office
from kijitsu.domain.eras import show_date
from kijitsu.domain.gates import SHOWN, Status, Verdict
from kijitsu.explain import reason_sentences, remedy_sentence
from kijitsu.services.delivering import DispatchReport
from kijitsu.services.ledger import transitions_of
from kijitsu.services.watching import PassReport
from kijitsu.settings import read_settings
from kijitsu.web.chain import chain_picture
from kijitsu.web.gantt import Row, gantt


def publish_actions(report: PassReport, sent: DispatchReport) -> None:
    """Publish 本日の要対応: one row for each milestone that is blocked, overdue or due soon, the worst first.

    Each leads to the milestone's page of the board, where it can be acted on.
    """
    plan = report.standing.plan
    board = f"{read_settings().board}/plans/{plan.id}"
    rows = [
        {
            "状態": SHOWN[verdict.status],
            "項目": f"[{_plain(plan.milestones[verdict.id].title)}]({board}/milestones/{verdict.id})",
            "担当": plan.organisation.bodies[plan.milestones[verdict.id].owner].title,
            "期限": show_date(verdict.due) if verdict.due else "－",
            "理由": _reason(report, verdict),
        }
        for verdict in report.needs_action
    ]
    mail = f"通知 {sent.sent}通を送信" + (f"、{sent.waiting}通は再送待ち、{sent.dead}通は不達" if sent.errors else "")
    calendars = [line for change in report.calendar_changes for line in change.sentences(plan)]
    create_table_artifact(
        rows or [{"状態": "順調", "項目": "本日対応の要るものはありません"}],
        key=f"{plan.id}-actions",
        description="\n\n".join(
            [
                f"## 本日の要対応 {show_date(report.on)}",
                f"{plan.title}。{mail}。[画面で見る]({board}/today)",
                *calendars,
            ]
        ),
    )


def _plain(text: str) -> str:
    """Return a title as it stands between the brackets of a link."""
    return re.sub(r"([\\\[\]`*_<>|])", r"\\\1", text)


def _reason(report: PassReport, verdict: Verdict) -> str:
    plan = report.standing.plan
    reasons = reason_sentences(plan, [reason for reason in verdict.reasons if reason.blocks])
    held = report.held_up_by(verdict.id)
    return " ".join(reasons) or (f"これが終わらないと{len(held)}件が進みません" if held else "－")


def publish_chain(report: PassReport) -> None:
    """Publish 停止の連鎖: from each root cause to all it holds up, as a flowchart and in words."""
    create_markdown_artifact(
        chain(report), key=f"{report.standing.plan.id}-chain", description="停止の原因と、それで止まっているもの"
    )


def chain(report: PassReport) -> str:
    """Return the chain of stops as markdown with a picture.

    The picture is an image: the dashboard's first design, the one that loads nothing from outside, draws no Mermaid.
    """
    plan, verdicts = report.standing.plan, report.standing.verdicts
    blocked = [verdict for verdict in verdicts.values() if verdict.status is Status.BLOCKED]
    if not blocked:
        return f"# 停止の連鎖\n\n{show_date(report.on)}現在、止まっているものはありません。"
    reasons = [(reason, verdict.id) for verdict in blocked for reason in verdict.reasons if reason.blocks]
    roots = {reason.root_cause: reason for reason, _ in reasons}
    links = [(reason.prerequisite, to) for reason, to in reasons]
    linked = {id for link in links for id in link}
    titles = {id: plan.milestones[id].title for id in report.standing.network.order if id in linked}
    words = []
    for root, reason in roots.items():
        held = [id for id in reason.holds_up if verdicts[id].status is Status.BLOCKED]
        words += [
            f"## 原因: {plan.milestones[root].title}",
            "",
            f"- {remedy_sentence(plan, reason)}",
            f"- 止まっている項目: {len(held)}件",
            *(f"  - {plan.milestones[id].title}" for id in held),
            "",
        ]
    picture = _image("停止の連鎖", chain_picture(titles, links, list(roots)))
    return "\n".join([f"# 停止の連鎖 {show_date(report.on)}", "", picture, "", *words])


def _image(title: str, svg: str) -> str:
    return f"![{title}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def publish_year(report: PassReport) -> None:
    """Publish 年間工程: the fiscal year and what lies beyond it, each milestone in its states so far."""
    plan, verdicts = report.standing.plan, report.standing.verdicts
    begin = date(plan.fiscal_year, 4, 1) if plan.fiscal_year else report.on
    windows = [milestone.window for milestone in plan.milestones.values() if milestone.window]
    ends = [window.last or window.first for window in windows]
    first, last = min(begin, report.on), max(report.on, *(day for day in ends if day))
    states = transitions_of(open_office(), plan.id, report.on)
    shown = [id for id, changes in states.items() if len(changes) > 1 or not verdicts[id].is_closed]
    rows = [
        Row(id, plan.milestones[id].title, states[id], plan.milestones[id].window, verdicts[id].due)
        for id in plan.milestones
        if id in shown
    ]
    picture = gantt(rows, first, min(last, date(first.year + 2, 3, 31)), plan.title, report.on)
    create_markdown_artifact(
        f"# 年間工程 {show_date(report.on)}\n\n{_image(plan.title, picture)}",
        key=f"{plan.id}-year",
        description="枠は計画の時期、帯は今日までの状態、▼は期限です。",
    )
