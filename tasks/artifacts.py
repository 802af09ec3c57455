"""What the secretariat reads in the dashboard: artifacts under stable keys, the newest first, older ones as history."""

from __future__ import annotations

from base64 import b64encode

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from kijitsu.domain.eras import show_date
from kijitsu.domain.gates import SHOWN, Status
from kijitsu.explain import reason_sentences, remedy_sentence
from kijitsu.services.acting import Move, describe
from kijitsu.services.delivering import DispatchReport
from kijitsu.services.watching import PassReport
from kijitsu.web.gantt import Row, gantt


def publish_actions(report: PassReport, sent: DispatchReport) -> None:
    """Publish 本日の要対応: one row for each milestone that is blocked, overdue or due soon, the worst first."""
    plan = report.standing.plan
    rows = [
        {
            "状態": SHOWN[verdict.status],
            "項目": plan.milestones[verdict.id].title,
            "担当": plan.organisation.bodies[plan.milestones[verdict.id].owner].title,
            "期限": show_date(verdict.due) if verdict.due else "－",
            "理由": " ".join(reason_sentences(plan, [r for r in verdict.reasons if r.blocks])) or "－",
        }
        for verdict in report.needs_action
    ]
    mail = f"通知 {sent.sent}通を送信" + (f"、{sent.waiting}通は再送待ち、{sent.dead}通は不達" if sent.errors else "")
    create_table_artifact(
        rows or [{"状態": "順調", "項目": "本日対応の要るものはありません"}],
        key=f"{plan.id}-actions",
        description=f"## 本日の要対応 {show_date(report.on)}\n\n{plan.title}。{mail}。",
    )


def publish_chain(report: PassReport) -> None:
    """Publish 停止の連鎖: from each root cause to all it holds up, as a flowchart and in words."""
    create_markdown_artifact(
        chain(report), key=f"{report.standing.plan.id}-chain", description="停止の原因と、それで止まっているもの"
    )


def chain(report: PassReport) -> str:
    """Return the chain of stops as markdown."""
    plan, verdicts = report.standing.plan, report.standing.verdicts
    blocked = [v for v in verdicts.values() if v.status is Status.BLOCKED]
    if not blocked:
        return f"# 停止の連鎖\n\n{show_date(report.on)}現在、止まっているものはありません。"
    number = {id: f"n{index}" for index, id in enumerate(plan.milestones)}
    reasons = [(reason, v.id) for v in blocked for reason in v.reasons if reason.blocks]
    named = dict.fromkeys(id for reason, to in reasons for id in (reason.prerequisite, to))
    roots = dict.fromkeys(reason.root_cause for reason, _ in reasons)
    lines = ["```mermaid", "flowchart LR"]
    for id in named:
        mark = "✕" if id in roots else "■"
        lines.append(f'  {number[id]}["{mark} {_plain(plan.milestones[id].title)}"]')
    lines += dict.fromkeys(f"  {number[reason.prerequisite]} --> {number[to]}" for reason, to in reasons)
    lines += [f"  style {number[id]} fill:#f6d5d1,stroke:#8e2a20,stroke-width:3px" for id in roots]
    lines.append("```")
    words = []
    for root in roots:
        same = next(reason for reason, _ in reasons if reason.root_cause == root)
        held = [id for id in same.holds_up if id in verdicts and verdicts[id].status is Status.BLOCKED]
        words += [
            f"## 原因: {plan.milestones[root].title}",
            "",
            f"- {remedy_sentence(plan, same)}",
            f"- 止まっている項目: {len(held)}件",
            *(f"  - {plan.milestones[id].title}" for id in held),
            "",
        ]
    return "\n".join([f"# 停止の連鎖（{show_date(report.on)}）", "", *lines, "", *words])


def _plain(text: str) -> str:
    return text.replace('"', "'").replace("\n", " ")


def publish_year(report: PassReport) -> None:
    """Publish 年間工程: the plan as a picture, each milestone in the state of the day."""
    plan, verdicts = report.standing.plan, report.standing.verdicts
    open_ones = [id for id, verdict in verdicts.items() if not verdict.is_closed]
    windows = [window for id in open_ones if (window := plan.milestones[id].window)]
    days = [
        day for window in windows for day in (window.first, window.last) if day and abs((day - report.on).days) < 500
    ]
    first, last = min([report.on, *days]), max([report.on, *days])
    rows = [
        Row(
            id,
            plan.milestones[id].title,
            [(report.on, verdicts[id].status)],
            plan.milestones[id].window,
            verdicts[id].due,
        )
        for id in open_ones
    ]
    picture = gantt(rows, first, last, plan.title, report.on)
    address = f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"
    create_markdown_artifact(
        f"# 年間工程（{show_date(report.on)}）\n\n![{plan.title}の工程]({address})",
        key=f"{plan.id}-year",
        description="枠は計画の時期、帯は今日の状態",
    )


def publish_move(done: Move) -> None:
    """Publish 変更の影響: what a move does, in a table and in words."""
    plan, preview = done.preview.plan, done.preview
    rows = [
        {
            "項目": plan.milestones[moved.id].title,
            "変更前": moved.old.wording if moved.old else "－",
            "変更後": moved.new.wording,
            "余裕（前）": preview.before[moved.id].slack,
            "余裕（後）": preview.after[moved.id].slack,
        }
        for moved in preview.moved
    ]
    words = "\n".join(f"- {line.strip()}" for line in describe(done))
    create_table_artifact(rows, key=f"{plan.id}-move", description=f"## 変更の影響\n\n{words}")
