"""From the files of `calendar/` to domain values, every problem at once with its place.

A `Library` is one calendar folder. It reads a plan by path, by id, or from a stored document, together with the
organisation, closures and rules that the plan names; and city.yaml, which says what is meant where nothing is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from kijitsu import schemas as shape
from kijitsu.calendars import Calendars, faults
from kijitsu.checks import check_references, unknown, validated
from kijitsu.domain.errors import InputError, InvalidFile, Problem, did_you_mean
from kijitsu.domain.history import Deed, History
from kijitsu.domain.periods import Rule
from kijitsu.domain.plan import DueRule, Organisation, Plan, Policy
from kijitsu.domain.recurrence import RecurrenceError
from kijitsu.domain.schedule import Network
from kijitsu.domain.windows import Precision, month_end
from kijitsu.located import Document, Location, read_document
from kijitsu.values import event_of, organisation_of, plan_of, policy_of, rule_of

T = TypeVar("T")


def is_path(name: str) -> bool:
    """Tell whether a name on the command line is a file's path, not an id."""
    return name.endswith((".yaml", ".yml")) or "/" in name


@dataclass(frozen=True)
class Loaded:
    """A plan ready to be worked with: its values, its text values as written, and every calendar it may ask for."""

    plan: Plan
    document: Mapping[str, Any]
    calendars: Calendars
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def network(self) -> Network:
        """The plan made ready to be scheduled."""
        return self.network_of(self.plan)

    @property
    def span(self) -> tuple[date, date]:
        """The days to live through: the fiscal year, else from the first date, and on to the last date's month's end.

        What is to happen some time in a fiscal year (29年度) has no date to go on to.
        """
        dates, exact, year = _dates(self.plan), _dates(self.plan, but=Precision.FISCAL_YEAR), self.plan.fiscal_year
        if year is None:
            return min(dates), month_end(max(exact or dates))
        return date(year, 4, 1), month_end(max([date(year + 1, 3, 31), *exact]))

    def network_of(self, plan: Plan) -> Network:
        """Return another state of the plan, on the same calendars, made ready to be scheduled."""
        return Network(plan, self.calendars.together(plan.closures), self.calendars)


class Rules(NamedTuple):
    """What `calendar/rules/` holds, by id; `policy_of_kind` is the reminder policy of each kind of milestone."""

    rules: dict[str, Rule]
    policies: dict[str, Policy]
    policy_of_kind: dict[str, str]


class Library:
    """One `calendar/` folder: plans, organisations, closures, rules, histories."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._organisations: dict[tuple[str, int], Organisation] = {}

    # --- finding ---

    def ids(self, kind: str) -> list[str]:
        """Return the ids of the files of one kind (`plans`, `histories`, …), sorted."""
        return sorted(path.stem for path in (self.folder / kind).glob("*.yaml"))

    def find(self, kind: str, name: str) -> Path:
        """Return the path that a name means: itself where it is one, else the file with that id."""
        if is_path(name):
            return Path(name)
        known = self.ids(kind)
        if name not in known:
            hint = did_you_mean(name, known) or f"あるもの: {'、'.join(known) or 'なし'}"
            raise InputError(f"「{name}」が {self.folder.name}/{kind}/ にありません。{hint}")
        return self.folder / kind / f"{name}.yaml"

    # --- city.yaml ---

    def plan_meant(self) -> str:
        """Return the plan that is meant where none is named: city.yaml's, else the only one there is."""
        plans = self.ids("plans")
        if named := self._city()[1].plan:
            return named
        if len(plans) != 1:
            raise InputError(
                f"どの計画か決まりません（{self.folder.name}/plans/ にあるもの: {'、'.join(plans) or 'なし'}）。"
                f"計画のIDを指定するか、{self.folder.name}/city.yaml に「plan: 計画のID」と書いてください。"
            )
        return plans[0]

    def demo(self) -> shape.DemoShape | None:
        """Return what the demonstration shows, None where city.yaml says nothing of it. Reads its plan and history."""
        document, city = self._city()
        if city.demo is None:
            return None
        plan = self.plan(city.demo.plan).plan
        self.history(city.demo.history, plan)
        found = [
            unknown(document, ("demo", key), "milestone", id, plan.milestones)
            for key, id in (("blocked", city.demo.blocked), ("late", city.demo.late))
            if id not in plan.milestones
        ]
        if found:
            raise InvalidFile(found)
        return city.demo

    def _city(self) -> tuple[Document, shape.CityDocument]:
        path = self.folder / "city.yaml"
        if not path.exists():
            return Document(str(path), {}), shape.CityDocument()
        document = read_document(path)
        found: list[Problem] = []
        parsed = validated(shape.CityDocument, document, found)
        places: tuple[tuple[Location, str, str], ...] = (
            (("plan",), "plan", "plans"),
            (("demo", "plan"), "plan", "plans"),
            (("demo", "history"), "history", "histories"),
        )
        for where, what, kind in places:
            id = _at(document.data, where) if where in document.values else None
            if isinstance(id, str) and id not in self.ids(kind):
                found.append(unknown(document, where, what, id, self.ids(kind)))
        if found or parsed is None:
            raise InvalidFile(set(found))
        return document, parsed

    # --- plans ---

    def plan(self, name: str, extra_years: Iterable[int] = ()) -> Loaded:
        """Read a plan by id or path. Raises InvalidFile with every problem; `extra_years` widens the calendars."""
        document = read_document(self.find("plans", name))
        loaded = self.plan_from(document, extra_years)
        if not is_path(name) and loaded.plan.id != name:
            message = f"ファイルの名前は {name}.yaml です。plan: {name} とするか、ファイルの名前を変えてください。"
            raise InvalidFile([document.problem(("plan",), "wrong-id", message)])
        return loaded

    def plan_from(self, document: Document, extra_years: Iterable[int] = ()) -> Loaded:
        """Read a plan from a document already in hand."""
        found: list[Problem] = []
        fiscal_year = _peek_year(document)
        context: dict[str, Any] = {"fiscal_year": fiscal_year, "warnings": []}
        parsed = validated(shape.PlanDocument, document, found, context)
        data = document.data if isinstance(document.data, dict) else {}
        organisation = self._organisation(data.get("organisation"), document, found)
        rules, policies, policy_of_kind = self.rules(found)
        closures = self.closures(found)
        # A closures file with errors of its own is there all the same.
        known_closures = {*closures, *self.ids("closures")}
        check_references(document, data, organisation, rules, policies, known_closures, found)
        if found or parsed is None or organisation is None:
            raise InvalidFile(set(found))
        try:
            plan = plan_of(parsed, organisation, rules, policies, policy_of_kind)
        except RecurrenceError as exc:
            place = ("milestones", exc.milestone)
            raise InvalidFile([document.problem(place, "bad-recurrence", str(exc))]) from exc
        years = [*_years(plan), *extra_years]
        warnings = tuple(_warnings(document, context["warnings"]))
        own = _with_own_days(document, parsed, closures)
        return Loaded(plan, data, Calendars(own, min(years), max(years)), warnings)

    def _organisation(self, id: Any, document: Document, found: list[Problem]) -> Organisation | None:
        if not isinstance(id, str):
            return None
        beside = Path(document.path).parent.parent
        # Looked up, never put together: what stands there may be no file's name.
        known = {
            path.stem: path for at in (self.folder, beside) for path in sorted((at / "organisations").glob("*.yaml"))
        }
        if id not in known:
            hint = did_you_mean(id, known) or f"あるもの: {'、'.join(known) or 'なし'}"
            message = f"organisations/{id}.yaml がありません。{hint}"
            found.append(document.problem(("organisation",), "missing-organisation", message))
            return None
        try:
            return self.organisation(known[id])
        except InvalidFile as exc:
            found.extend(exc.problems)
            return None

    def organisation(self, path: Path) -> Organisation:
        """Read an organisation file, anew where it changed since."""
        stamp = (str(path), path.stat().st_mtime_ns)
        if stamp not in self._organisations:
            self._organisations[stamp] = self._read_organisation(path)
        return self._organisations[stamp]

    def organisations(self) -> list[Organisation]:
        """Read every organisation of the folder."""
        return [self.organisation(path) for path in sorted((self.folder / "organisations").glob("*.yaml"))]

    def _read_organisation(self, path: Path) -> Organisation:
        document = read_document(path)
        found: list[Problem] = []
        parsed = validated(shape.OrganisationDocument, document, found)
        bodies = (document.data or {}).get("bodies") if isinstance(document.data, dict) else None
        if isinstance(bodies, dict):
            for id, body in bodies.items():
                superior = body.get("reports_to") if isinstance(body, dict) else None
                if isinstance(superior, str) and superior not in bodies:
                    found.append(unknown(document, ("bodies", id, "reports_to"), "body", superior, bodies))
            head = document.data.get("secretariat")
            if isinstance(head, str) and head not in bodies:
                found.append(unknown(document, ("secretariat",), "body", head, bodies))
            elif isinstance(head, str) and isinstance(bodies[head], dict) and not bodies[head].get("mail"):
                message = "事務局には mail が要ります。知らせの写しと返信はここに届きます。"
                found.append(document.problem(("bodies", head), "missing-key", message, at_key=True))
        posts = document.data.get("posts") if isinstance(document.data, dict) else None
        if isinstance(posts, dict):
            for title, post in posts.items():
                deputy = post.get("deputy") if isinstance(post, dict) else None
                if isinstance(deputy, str) and deputy not in posts:
                    found.append(unknown(document, ("posts", title, "deputy"), "post", deputy, posts))
        if found or parsed is None:
            raise InvalidFile(found)
        return organisation_of(parsed)

    # --- what plans share ---

    def closures(self, found: list[Problem] | None = None) -> dict[str, shape.ClosuresDocument]:
        """Read every closures file; problems go to `found` where given, else they are raised."""
        documents: dict[str, shape.ClosuresDocument] = {}
        sources: dict[str, Document] = {}
        problems: list[Problem] = []
        for path in sorted((self.folder / "closures").glob("*.yaml")):
            document = _read_or_note(path, problems)
            parsed = document and validated(shape.ClosuresDocument, document, problems)
            if document and parsed:
                if parsed.closures in documents:
                    other = sources[parsed.closures].path
                    message = f"「{parsed.closures}」は {other} にもあります。一方の名前を変えてください。"
                    problems.append(document.problem(("closures",), "duplicate-id", message))
                documents[parsed.closures], sources[parsed.closures] = parsed, document
        for id, parsed in documents.items():
            problems.extend(sources[id].problem(*fault) for fault in faults(parsed))
            if parsed.extends and parsed.extends not in (*documents, *self.ids("closures")):
                problems.append(unknown(sources[id], ("extends",), "closures", parsed.extends, documents))
            elif _extends_itself(parsed, documents):
                problems.append(sources[id].problem(("extends",), "cycle", "extends が循環しています。"))
        return _settled(documents, problems, found)

    def calendars(self, first_year: int, last_year: int) -> Calendars:
        """Return every calendar of the folder, for a span of years and its margins."""
        return Calendars(self.closures(), first_year, last_year)

    def rules(self, found: list[Problem] | None = None) -> Rules:
        """Read every statutory rule and reminder policy, and which policy each kind of milestone has."""
        rules: dict[str, Rule] = {}
        policies: dict[str, Policy] = {}
        policy_of_kind: dict[str, str] = {}
        chosen: list[tuple[Document, str, str]] = []
        problems: list[Problem] = []
        for path in sorted((self.folder / "rules").glob("*.yaml")):
            document = _read_or_note(path, problems)
            parsed = document and validated(shape.RulesDocument, document, problems)
            if not document or not parsed:
                continue
            for kind, known, given in (
                ("rules", rules, parsed.rules),
                ("policies", policies, parsed.policies),
            ):
                for id in given:
                    if id in known:
                        message = f"「{id}」は別のファイルにもあります。一方の名前を変えてください。"
                        problems.append(document.problem((kind, id), "duplicate-id", message, at_key=True))
            for id, rule in parsed.rules.items():
                try:
                    rules[id] = rule_of(id, rule)
                except InputError as exc:
                    problems.append(document.problem(("rules", id), "bad-rule", str(exc), at_key=True))
            policies |= {id: policy_of(policy) for id, policy in parsed.policies.items()}
            chosen += [(document, kind.value, policy) for kind, policy in parsed.reminders.items()]
        for document, kind, policy in chosen:
            if policy not in policies:
                problems.append(unknown(document, ("reminders", kind), "policy", policy, policies))
            policy_of_kind[kind] = policy
        if not problems and "standard" not in policies:
            message = "督促の方針 standard がありません。rules/reminders.yaml に policies: standard: を書いてください。"
            problems.append(Problem(f"{self.folder.name}/rules", 0, 0, "missing-policy", message))
        return _settled(Rules(rules, policies, policy_of_kind), problems, found)

    # --- histories ---

    def history(self, name: str, plan: Plan) -> History:
        """Read a history by id or path, against the plan it tells of. Raises InvalidFile with every problem."""
        document = read_document(self.find("histories", name))
        found: list[Problem] = []
        parsed = validated(shape.HistoryDocument, document, found, {"fiscal_year": plan.fiscal_year, "warnings": []})
        data = document.data if isinstance(document.data, dict) else {}
        told_of = data.get("plan")
        if isinstance(told_of, str) and told_of != plan.id:
            message = f"この履歴は計画 {told_of} のものです（いまの計画は {plan.id}）。"
            found.append(document.problem(("plan",), "wrong-plan", message))
        for number, event in enumerate(data.get("events") or ()):
            for deed in Deed:
                id = event.get(deed.value) if isinstance(event, dict) else None
                if isinstance(id, str) and id not in plan.milestones:
                    found.append(unknown(document, ("events", number, deed.value), "milestone", id, plan.milestones))
        if found or parsed is None:
            raise InvalidFile(set(found))
        events = tuple(event_of(event) for event in parsed.events)
        ordered = tuple(sorted(events, key=lambda event: event.on))
        return History(parsed.history, parsed.plan, parsed.title, parsed.kind, ordered, parsed.note)


def _with_own_days(
    document: Document, parsed: shape.PlanDocument, closures: Mapping[str, shape.ClosuresDocument]
) -> Mapping[str, shape.ClosuresDocument]:
    """Return the closures with the days that the plan itself closes or opens, on the calendars that it counts on.

    Raises InvalidFile for a day that it both closes and opens.
    """
    if not (parsed.closed or parsed.open):
        return closures
    if found := [document.problem(*fault) for fault in faults(parsed)]:
        raise InvalidFile(found)
    own = {
        id: each.model_copy(
            update={
                "closed": (*_unless_said(each.closed, parsed.open), *parsed.closed),
                "open": (*_unless_said(each.open, parsed.closed), *parsed.open),
            }
        )
        for id, each in closures.items()
        if id in parsed.closures
    }
    return {**closures, **own}


def _unless_said(days: Iterable[shape.ExtraShape], otherwise: Iterable[shape.ExtraShape]) -> list[shape.ExtraShape]:
    """Return the days of a file without those single days of which a plan says otherwise."""
    said = {each.on for each in otherwise if each.on}
    return [each for each in days if each.on not in said]


def _read_or_note(path: Path, problems: list[Problem]) -> Document | None:
    try:
        return read_document(path)
    except InvalidFile as exc:
        problems.extend(exc.problems)
        return None


def _settled(value: T, problems: list[Problem], found: list[Problem] | None) -> T:
    if found is not None:
        found.extend(problems)
    elif problems:
        raise InvalidFile(problems)
    return value


def _peek_year(document: Document) -> int | None:
    """Read the fiscal year ahead of the rest: it gives the era to dates without one."""
    year = document.data.get("fiscal_year") if isinstance(document.data, dict) else None
    if not isinstance(year, str):
        return None
    try:
        return shape.read_fiscal_year(year)
    except InputError:
        return None


def _extends_itself(document: shape.ClosuresDocument, known: Mapping[str, shape.ClosuresDocument]) -> bool:
    seen: set[str] = set()
    while document.extends and document.extends in known and document.closures not in seen:
        seen.add(document.closures)
        document = known[document.extends]
    return document.closures in seen


def _warnings(document: Document, warned: list[tuple[str, str]]) -> Iterable[Problem]:
    texts = dict(warned)
    for where in document.values:
        value = _at(document.data, where)
        if isinstance(value, str) and value in texts:
            yield document.problem(where, "era-ended", texts[value], is_warning=True)


def _at(data: Any, where: Location) -> Any:
    for part in where:
        data = data[part]
    return data


def _dates(plan: Plan, but: Precision | None = None) -> list[date]:
    windows = [w for m in plan.milestones.values() for w in (m.window, m.done) if w and w.precision is not but]
    dates = [day for window in windows for day in (window.first, window.last) if day]
    return dates + [m.due for m in plan.milestones.values() if m.due and not isinstance(m.due, DueRule)]


def _years(plan: Plan) -> list[int]:
    years = [day.year for day in _dates(plan)]
    if plan.fiscal_year is not None:
        years.append(plan.fiscal_year)
    if not years:
        raise InputError(f"計画 {plan.id} には日付が一つもありません。when: を一つ以上書いてください。")
    return years
