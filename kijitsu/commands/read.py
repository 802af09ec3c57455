"""Commands that only read: check, schema, schedule, status, why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from kijitsu.commands import common
from kijitsu.commands import edits as option
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, InvalidFile, Problem, did_you_mean
from kijitsu.domain.gates import SHOWN, Reason, Verdict
from kijitsu.domain.schedule import Slot


def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PLAN]...", help="計画のIDかパス。省けば全部")] = None,
    as_json: common.JsonOption = False,
) -> None:
    """計画・組織・休日表・規則・履歴・市・利用者のファイルを調べ、誤りを場所つきですべて示します。"""
    opened = common.office()
    library = opened.library
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
        with _noting(problems, "KIJITSU_PEOPLE"):
            opened.people()
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
    kind: Annotated[str, typer.Argument(help="plan, organisation, closures, rules, history, city, people")] = "plan",
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
        "people": schemas.PeopleDocument,
    }
    if kind not in kinds:
        raise InputError(f"「{kind}」という種類はありません。{did_you_mean(kind, kinds) or '、'.join(kinds)}")
    common.print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **kinds[kind].model_json_schema()})


def schedule(
    plan: common.PlanArgument,
    as_of: common.AsOfOption = None,
    history: common.HistoryOption = None,
    move: option.MoveOption = None,
    duration: option.DurationOption = None,
    due: option.DueOption = None,
    after: option.AfterOption = None,
    drop: option.DropOption = None,
    waive: option.WaiveOption = None,
    cancel: option.CancelOption = None,
    close: option.CloseOption = None,
    open_: option.OpenOption = None,
    cascade: option.CascadeOption = "push",
    as_json: common.JsonOption = False,
) -> None:
    """最早・最遅の日程と余裕を計算します。--move などを付けると、そう変えた場合の日程です（何も変えません）。"""
    from kijitsu.services import reading

    opened = common.reader(plan, history)
    standing = reading.standing(opened, plan, common.day(as_of), history)
    before, slots, milestones = standing.slots, standing.slots, standing.plan.milestones
    edits = option.edits_of(
        move=move,
        duration=duration,
        due=due,
        after=after,
        drop=drop,
        waive=waive,
        cancel=cancel,
        close=close,
        open=open_,
    )
    if edits:
        from kijitsu.services.reckoning import Request, reckon

        effects = reckon(opened, standing, Request(edits, cascade=option.cascade_of(cascade))).effects
        slots, milestones = effects.after.schedule, effects.plan.milestones
    if as_json:
        common.print_json([_slot_json(slot) for slot in slots.values()])
        return
    title = f"{standing.plan.title}" + (f"（{show_date(standing.as_of)}現在）" if standing.as_of else "")
    common.print_table(
        f"{title}{'（変えた場合。（ ）は今の日程）' if edits else ''}",
        ("ID", "項目", "最早開始", "最早完了", "最遅完了", "期限", "余裕", ""),
        ((id, milestones[id].title, *_cells(slot, before[id])) for id, slot in slots.items()),
    )


def _cells(slot: Slot, before: Slot) -> Iterator[str]:
    """Yield a slot's cells, what was otherwise before in brackets."""
    for key in ("earliest_start", "earliest_finish", "latest_finish", "due", "slack"):
        now, old = ("－" if (value := getattr(each, key)) is None else str(value) for each in (slot, before))
        yield now if now == old else f"{now}（{old}）"
    yield "◆" if slot.critical else ""


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
    standing = common.standing_today(common.reader(plan, history), plan, as_of, history)
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

    standing = common.standing_today(common.reader(plan, history), plan, as_of, history)
    id = standing.milestone(id)
    slot = standing.slots[id]
    sentences = list(explain.why(standing.network, slot, standing.verdicts[id]))
    if as_json:
        found = forecast(standing.plan.milestones[id], slot.due, standing.network.closures)
        count = {"on": found.on, "left": found.left, "days": found.days, "slack": found.slack} if found else None
        common.print_json({**verdict_json(standing.verdicts[id]), "forecast": count, "explanation": sentences})
    else:
        common.print_lines(sentences)
