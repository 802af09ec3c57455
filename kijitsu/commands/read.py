"""Commands that only read: check, schema, schedule, status, why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from kijitsu.commands import common
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, InvalidFile, Problem, did_you_mean
from kijitsu.domain.gates import SHOWN, Reason, Verdict
from kijitsu.domain.schedule import Slot


def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PLAN]...", help="計画のIDかパス。省けば全部")] = None,
    as_json: common.JsonOption = False,
) -> None:
    """計画・組織・休日表・規則・履歴・市のファイルを調べ、誤りを場所つきですべて示します。"""
    library = common.office().library
    problems: list[Problem] = []
    plans: list[str] = list(names or library.ids("plans"))
    if not plans:
        where = library.folder / "plans"
        raise InputError(f"{where} に計画がありません。KIJITSU_CALENDAR か、コマンドを実行する場所を確かめてください。")
    for name in plans:
        with _noting(problems, name):
            loaded = library.plan(name)
            problems += loaded.warnings
            loaded.network.schedule()
            for history in library.ids("histories") if not names else ():
                if _tells_of(library.find("histories", history), loaded.plan.id):
                    library.history(history, loaded.plan)
    if not names:
        with _noting(problems, "city.yaml"):
            library.demo()
    problems = sorted(set(problems))
    errors = [problem for problem in problems if not problem.is_warning]
    if as_json:
        common.print_json(
            [
                {
                    "file": p.file,
                    "line": p.line,
                    "column": p.column,
                    "code": p.code,
                    "message": p.message,
                    "warning": p.is_warning,
                }
                for p in problems
            ]
        )
    for problem in problems:
        typer.echo(str(problem), err=True)
    if errors:
        raise typer.Exit(1)
    if not as_json:
        common.print_lines([f"誤りはありません（計画 {len(plans)}件: {'、'.join(plans)}）"])


@contextmanager
def _noting(problems: list[Problem], name: str) -> Iterator[None]:
    """Note what is found wrong inside, so that the reading goes on with the next file."""
    try:
        yield
    except InvalidFile as exc:
        problems += exc.problems
    except InputError as exc:
        problems.append(Problem(name, 0, 0, "unusable-plan", str(exc)))


def _tells_of(path: Any, plan: str) -> bool:
    from kijitsu.located import read_document

    data = read_document(path).data
    return not isinstance(data, dict) or data.get("plan") in (plan, None)


def schema(
    kind: Annotated[str, typer.Argument(help="plan, organisation, closures, rules, history, city")] = "plan",
    as_json: common.JsonOption = True,
) -> None:
    """エディターの入力補完に使うJSON Schemaを出します。"""
    from kijitsu import schemas

    kinds: dict[str, type[schemas.Shape]] = {
        "plan": schemas.PlanDocument,
        "organisation": schemas.OrganisationDocument,
        "closures": schemas.ClosuresDocument,
        "rules": schemas.RulesDocument,
        "history": schemas.HistoryDocument,
        "city": schemas.CityDocument,
    }
    if kind not in kinds:
        raise InputError(f"「{kind}」という種類はありません。{did_you_mean(kind, kinds) or '、'.join(kinds)}")
    common.print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **kinds[kind].model_json_schema()})


def schedule(
    plan: common.PlanArgument,
    as_of: common.AsOfOption = None,
    history: common.HistoryOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """最早・最遅の日程と余裕を計算します。"""
    from kijitsu.services import reading

    standing = reading.standing(common.office(), plan, common.day(as_of), history)
    if as_json:
        common.print_json([_slot_json(slot) for slot in standing.slots.values()])
        return
    common.print_table(
        f"{standing.plan.title}" + (f"（{show_date(standing.as_of)}現在）" if standing.as_of else ""),
        ("ID", "項目", "最早開始", "最早完了", "最遅完了", "期限", "余裕", ""),
        (
            (
                slot.id,
                standing.plan.milestones[slot.id].title,
                str(slot.earliest_start or "－"),
                str(slot.earliest_finish or "－"),
                str(slot.latest_finish or "－"),
                str(slot.due or "－"),
                "－" if slot.slack is None else str(slot.slack),
                "◆" if slot.critical else "",
            )
            for slot in standing.slots.values()
        ),
    )


def _slot_json(slot: Slot) -> dict[str, Any]:
    return {
        "id": slot.id,
        "earliest_start": slot.earliest_start,
        "earliest_finish": slot.earliest_finish,
        "latest_start": slot.latest_start,
        "latest_finish": slot.latest_finish,
        "slack": slot.slack,
        "critical": slot.critical,
        "due": slot.due,
        "due_kind": slot.due_kind,
        "drivers": list(slot.drivers),
    }


def status(
    plan: common.PlanArgument,
    as_of: common.AsOfOption = None,
    history: common.HistoryOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """各項目の状態と、止まっている理由を示します。"""
    standing = common.standing_today(common.office(), plan, as_of, history)
    if as_json:
        common.print_json([verdict_json(standing.verdicts[id]) for id in standing.plan.milestones])
        return
    assert standing.as_of
    rows = []
    for id, milestone in standing.plan.milestones.items():
        verdict = standing.verdicts[id]
        roots = dict.fromkeys(standing.plan.milestones[r.root_cause].title for r in verdict.reasons if r.blocks)
        rows.append(
            (
                SHOWN[verdict.status],
                id,
                milestone.title,
                standing.plan.organisation.bodies[milestone.owner].title,
                str(verdict.due or "－"),
                str(verdict.latest_safe_finish or "－"),
                "、".join(roots),
            )
        )
    columns = ("状態", "ID", "項目", "担当", "期限", "安全な限度", "原因")
    common.print_table(f"{standing.plan.title}（{show_date(standing.as_of)}現在）", columns, rows)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as `status --json` shows it."""
    return {
        "id": verdict.id,
        "status": verdict.status,
        "facts": list(verdict.facts),
        "reasons": [reason_json(reason) for reason in verdict.reasons],
        "due": verdict.due,
        "latest_safe_finish": verdict.latest_safe_finish,
        "slack": verdict.slack,
    }


def reason_json(reason: Reason) -> dict[str, Any]:
    """Return a reason as `status --json` shows it."""
    return {
        "code": reason.code,
        "prerequisite": reason.prerequisite,
        "root_cause": reason.root_cause,
        "root_code": reason.root_code,
        "basis": reason.basis,
        "since": reason.since,
        "lapse": reason.lapse,
        "holds_up": list(reason.holds_up),
    }


def why(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    as_of: common.AsOfOption = None,
    history: common.HistoryOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """一つの項目がその状態である理由を、文章で説明します。"""
    from kijitsu import explain
    from kijitsu.domain.counts import forecast

    standing = common.standing_today(common.office(), plan, as_of, history)
    id = standing.milestone(id)
    slot = standing.slots[id]
    sentences = list(explain.why(standing.network, slot, standing.verdicts[id]))
    if as_json:
        found = forecast(standing.plan.milestones[id], slot.due, standing.network.closures)
        count = {"on": found.on, "left": found.left, "days": found.days, "slack": found.slack} if found else None
        common.print_json({**verdict_json(standing.verdicts[id]), "forecast": count, "explanation": sentences})
    else:
        common.print_lines(sentences)
