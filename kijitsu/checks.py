"""What is wrong in a file, each with its place: the shape of it, and every id against what it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError

from kijitsu import schemas as shape
from kijitsu.domain.errors import Problem, did_you_mean
from kijitsu.domain.order import Cycle, topological_order
from kijitsu.domain.periods import Rule
from kijitsu.domain.plan import Organisation
from kijitsu.located import Document, Location

S = TypeVar("S", bound=shape.Shape)

# How a text should look that does not.
_PATTERNS = {
    "from": "項目のIDに .start か .finish を付けてください。例: meeting.start",
    "mail": "例: soumu@city.example",
    "municipality": "団体コードの6桁の数字です。例: 042021",
}
# The example to follow where a key is missing.
_EXAMPLES = {
    "title": "title: 第1回幹事会",
    "owner": "owner: general_affairs",
    "kind": "kind: meeting",
    "roles": "roles: [department]",
}


def validated(
    kind: type[S], document: Document, found: list[Problem], context: dict[str, Any] | None = None
) -> S | None:
    """Return a document in its shape, or None where that is wrong; every problem of it goes to `found`."""
    found.extend(document.problems)
    # What could not be read leaves a gap that is no second problem.
    told = {(problem.line, problem.column) for problem in document.problems}
    if not isinstance(document.data, dict):
        problems = [document.problem((), "bad-shape", "「キー: 値」の並びで書いてください。")]
    else:
        try:
            return kind.model_validate(document.data, context=context or {"warnings": []})
        except ValidationError as exc:
            problems = [_problem(document, kind, error) for error in exc.errors() if error["type"] != "date_type"]
    found.extend(problem for problem in problems if (problem.line, problem.column) not in told)
    return None


def _problem(document: Document, kind: type[shape.Shape], error: Any) -> Problem:
    where = _real(document, error["loc"])
    name = str(where[-1]) if where else ""
    match error["type"]:
        case "extra_forbidden":
            hint = did_you_mean(name, _keys_at(kind, where[:-1]))
            return document.problem(where, "unknown-key", f"「{name}」というキーはありません。{hint}", at_key=True)
        case "missing":
            example = _EXAMPLES.get(str(error["loc"][-1]), "")
            message = f"「{error['loc'][-1]}」がありません。" + (f"例: {example}" if example else "")
            return document.problem(where, f"missing-{error['loc'][-1]}", message, at_key=True)
        case "enum" | "literal_error":
            allowed = [word.strip("'") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            hint = did_you_mean(str(error["input"]), allowed) or f"使えるのは {'、'.join(allowed)} です。"
            if error["loc"][-1] == "[key]":
                return document.problem(where, "bad-value", f"種別「{name}」はありません。{hint}", at_key=True)
            if where and isinstance(where[-1], int):
                message = f"{where[-2]} に「{error['input']}」は書けません。{hint}"
                return document.problem(where, "bad-value", message)
            return document.problem(where, "bad-value", f"「{error['input']}」は{name}になりません。{hint}")
        case "string_pattern_mismatch" if error["loc"][-1] == "[key]":
            message = f"「{name}」はIDになりません。英小文字で始め、英小文字・数字・「_」・「-」だけで書いてください。"
            return document.problem(where, "bad-id", message, at_key=True)
        case "string_pattern_mismatch" if name == "address":
            # What is written here by mistake may be the secret address itself: it is not repeated.
            message = "address は英数字と「.」「_」「-」だけで書いてください（秘密の宛先につけた名前です）。"
            return document.problem(where, "bad-value", message)
        case "string_pattern_mismatch":
            example = _PATTERNS.get(name, "")
            return document.problem(where, "bad-value", f"「{error['input']}」は{name}の書き方に合いません。{example}")
        case "int_parsing" | "int_parsing_size" | "int_type":
            return document.problem(where, "bad-number", f"「{error['input']}」は数ではありません。")
        case "greater_than":
            message = f"「{name}」は{error['ctx']['gt']}より大きい数にしてください。"
            return document.problem(where, "bad-number", message)
        case "bool_parsing" | "bool_type":
            return document.problem(where, "bad-value", f"「{name}」には true か false を書いてください。")
        case "string_type" | "string_too_short":
            return document.problem(where, "bad-value", f"「{name}」には文字を書いてください。")
        case "string_too_long":
            length = error["ctx"]["max_length"]
            return document.problem(where, "bad-value", f"「{name}」は{length}文字までにしてください。")
        case "too_short":
            return document.problem(where, "bad-shape", f"「{name}」に一つ以上書いてください。")
        case "tuple_type" | "list_type" if isinstance(error["input"], str):
            message = f"「{name}」は並びで書いてください。もしかして: {name}: [{error['input']}]"
            return document.problem(where, "bad-shape", message)
        case "tuple_type" | "list_type" | "dict_type" | "model_type" | "model_attributes_type":
            return document.problem(
                where, "bad-shape", f"「{name}」の形が違います。calendar/README.md の例を見てください。"
            )
        case code:
            return document.problem(where, code, error["msg"])


def _real(document: Document, loc: tuple[str | int, ...]) -> Location:
    """Drop from a pydantic location the parts that are not in the file (names of union members, [key])."""
    where: Location = ()
    for part in loc:
        if part == "[key]":
            break
        if (*where, part) in document.values:
            where = (*where, part)
    return where


@lru_cache
def _schema(kind: type[shape.Shape]) -> dict[str, Any]:
    return kind.model_json_schema()


def _keys_at(kind: type[shape.Shape], where: Location) -> list[str]:
    """Return the keys that a shape allows at a path, found through its JSON Schema."""
    schema = _schema(kind)
    node = schema
    for part in where:
        node = _schema_step(schema, node, part)
    node = _resolved(schema, node)
    return list(node.get("properties", {}))


def _schema_step(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> dict[str, Any]:
    node = _resolved(schema, node)
    if isinstance(part, int):
        return node.get("items", {})  # type: ignore[no-any-return]
    inner = node.get("properties", {}).get(part)
    if inner is None:
        inner = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), {})
    return inner if isinstance(inner, dict) else {}


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", ()):
        if "$ref" in option or option.get("type") in ("array", "object"):
            node = option
            break
    if "$ref" in node:
        return schema["$defs"][node["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]
    return node


def unknown(document: Document, where: Location, what: str, id: str, known: Iterable[str], place: str = "") -> Problem:
    """Return the problem of an id that names nothing; `place` is where to look one up when none is near."""
    names = {
        "plan": "という計画",
        "history": "という履歴",
        "milestone": "という項目",
        "body": "という組織",
        "post": "という職",
        "rule": "という規則",
        "closures": "という休日表",
        "policy": "という督促の方針",
        "series": "という数値",
        "key": "というキー",
    }
    hint = did_you_mean(id, known) or (f"IDは {place} にあります。" if place else "")
    return document.problem(where, f"unknown-{what}", f"「{id}」{names[what]}はありません。{hint}")


def check_references(
    document: Document,
    data: Mapping[str, Any],
    organisation: Organisation | None,
    rules: Mapping[str, Rule],
    policies: Iterable[str],
    closures: AbstractSet[str],
    found: list[Problem],
) -> None:
    """Check every id against what it names; on the text, so that a wrong date elsewhere hides nothing."""
    milestones = data.get("milestones")
    milestones = milestones if isinstance(milestones, dict) else {}
    own = data.get("policies")
    policies = {*policies, *(own if isinstance(own, dict) else ())}

    def check(where: Location, what: str, id: Any, known: Iterable[str], place: str = "") -> None:
        if isinstance(id, str) and id not in known:
            found.append(unknown(document, where, what, id, known, place))

    def check_milestone(where: Location, id: Any) -> str | None:
        """Check an id that may name an occurrence too; return the milestone it belongs to."""
        named = re.fullmatch(r"(.+)-[1-9]\d{0,2}", id) if isinstance(id, str) and id not in milestones else None
        duty = milestones.get(named[1]) if named else None
        if named and isinstance(duty, dict) and duty.get("recurs"):
            return named[1]
        check(where, "milestone", id, milestones)
        return id if isinstance(id, str) and id in milestones else None

    for number, id in enumerate(_listed(data.get("closures"))):
        check(("closures", number), "closures", id, closures)
    kinds = data.get("reminders")
    for kind, policy in kinds.items() if isinstance(kinds, dict) else ():
        check(("reminders", kind), "policy", policy, policies)
    if organisation:
        for number, post in enumerate(_listed(data.get("approvers"))):
            check(("approvers", number), "post", post, organisation.posts, f"organisations/{organisation.id}.yaml")
    links: dict[str, list[str]] = {}
    for id, milestone in milestones.items():
        links[id] = []
        if not isinstance(milestone, dict):
            continue
        at: Location = ("milestones", id)
        if organisation:
            owner = milestone.get("owner")
            check((*at, "owner"), "body", owner, organisation.bodies, f"organisations/{organisation.id}.yaml")
        check((*at, "reminders"), "policy", milestone.get("reminders"), policies)
        capacity = milestone.get("capacity")
        if isinstance(capacity, dict):
            check((*at, "capacity", "closures"), "closures", capacity.get("closures"), closures)
            titles = [point.get("title") for point in _listed(milestone.get("series")) if isinstance(point, dict)]
            for key in ("of", "done"):
                check((*at, "capacity", key), "series", capacity.get(key), [each for each in titles if each])
        _check_recurrence(document, at, milestone.get("recurs"), milestones, found)
        for number, key in enumerate(_listed(milestone.get("assumed"))):
            check((*at, "assumed", number), "key", key, shape.milestone_keys())
        for number, link in enumerate(_listed(milestone.get("after"))):
            on = link.get("on") if isinstance(link, dict) else link
            place: Location = (*at, "after", number, "on") if isinstance(link, dict) else (*at, "after", number)
            if rests_on := check_milestone(place, on):
                links[id].append(rests_on)
        due = milestone.get("due")
        if isinstance(due, dict):
            check((*at, "due", "rule"), "rule", due.get("rule"), rules)
            anchor, _, end = str(due.get("from")).rpartition(".")
            if end in ("start", "finish"):
                check_milestone((*at, "due", "from"), anchor)
            for number, stop in enumerate(_listed(due.get("suspended"))):
                check_milestone((*at, "due", "suspended", number), stop)
    for cycle in _cycles(links):
        place = ("milestones", cycle.path[0], "after")
        found.append(document.problem(place, "cycle", f"{cycle}。どれか一つの前提を外してください。"))


def _check_recurrence(
    document: Document, at: Location, recurs: Any, milestones: Mapping[str, Any], found: list[Problem]
) -> None:
    """Check that what recurs with another names one that recurs by itself."""
    leader = recurs.get("with") if isinstance(recurs, dict) else None
    if not isinstance(leader, str):
        return
    place = (*at, "recurs", "with")
    if leader not in milestones:
        found.append(unknown(document, place, "milestone", leader, milestones))
        return
    other = milestones[leader].get("recurs") if isinstance(milestones[leader], dict) else None
    if not other or (isinstance(other, dict) and "with" in other):
        message = f"「{leader}」には自分の周期がありません。{leader} の recurs に every か at を書いてください。"
        found.append(document.problem(place, "bad-recurrence", message))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _cycles(links: Mapping[str, list[str]]) -> Iterator[Cycle]:
    """Yield rings until cutting one link of each leaves none."""
    left = {id: list(before) for id, before in links.items()}
    while True:
        try:
            topological_order(left)
        except Cycle as exc:
            yield exc
            left[exc.path[1]].remove(exc.path[0])
        else:
            return
