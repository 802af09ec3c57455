"""The shapes of the files under `calendar/`: what a clerk may write, checked key by key.

Each class is one kind of file or a part of it; `kijitsu schema` prints their JSON Schema. Values come as text and leave
as domain values, so that everything wrong in a file is found in one reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kijitsu.domain.eras import WEEKDAYS
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed
from kijitsu.domain.periods import Direction, Effect, FirstDay, Length, Roll, parse_length
from kijitsu.domain.plan import Kind, Lapse, LinkType
from kijitsu.domain.windows import Precision, Window, WindowError, parse_day, parse_window


def _reading(code: str, read: Callable[[str, ValidationInfo], Any]) -> BeforeValidator:
    def validate(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            if value is None or isinstance(value, (dict, list)):
                raise PydanticCustomError(code, "文字で書いてください。")
            return value
        try:
            return read(value, info)
        except InputError as exc:
            raise PydanticCustomError(code, "{reason}", {"reason": str(exc)}) from exc

    return BeforeValidator(validate)


def _year(info: ValidationInfo) -> int | None:
    return (info.context or {}).get("fiscal_year")


def _window(text: str, info: ValidationInfo) -> Window:
    window = parse_window(text, _year(info))
    for warning in window.warnings:
        (info.context or {}).get("warnings", []).append((text, warning))
    return window


def _past(text: str, info: ValidationInfo) -> Window:
    window = _window(text, info)
    if window.undecided or not (window.first or window.last):
        raise WindowError(f"「{text}」は終わった日になりません。「平成27年9月」のように書いてください。")
    return window


def read_fiscal_year(text: str) -> int:
    """Return the Gregorian year in which a fiscal year begins: 2016 for H28, 平成28年度, FY2016."""
    window = parse_window(
        text if text.endswith("度") or text.upper().startswith("FY") else f"{text}年度".replace("年年", "年")
    )
    if window.precision is not Precision.FISCAL_YEAR or window.first is None:
        raise WindowError(f"「{text}」は年度ではありません。「H28」「平成28年度」のように書いてください。")
    return window.first.year


def _month_day(text: str, info: ValidationInfo) -> tuple[int, int]:
    day = parse_day(f"2016-{text}")  # a leap year, so that 02-29 is a day
    return day.month, day.day


def _weekday(text: str, info: ValidationInfo) -> int:
    if len(text) != 1 or text not in WEEKDAYS:
        raise WindowError(f"「{text}」は曜日ではありません。月火水木金土日の一字で書いてください。")
    return WEEKDAYS.index(text)


def _positive(text: str, info: ValidationInfo) -> Length:
    length = parse_length(text)
    if length.number < 1:
        raise WindowError(f"「{text}」は1以上にしてください。")
    return length


def _working_days(text: str, info: ValidationInfo) -> Length:
    length = _positive(text, info)
    if length.unit != "wd":
        raise WindowError(f"「{text}」は開庁日の数（5wd のように）で書いてください。")
    return length


def _clock(text: str, info: ValidationInfo) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise WindowError(f"「{text}」を時刻として読めません。08:30のように書いてください。") from None


def _text(example: str, description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example], "description": description})


WindowField = Annotated[Window, _reading("bad-date", _window), _text("平成28年4月～5月", "出典の言葉のままの時期")]
PastField = Annotated[Window, _reading("bad-date", _past), _text("平成27年9月", "終わった時期")]
DayField = Annotated[date, _reading("bad-date", lambda t, i: parse_day(t, _year(i))), _text("2016-06-03", "一日")]
YearField = Annotated[int, _reading("bad-date", lambda t, i: read_fiscal_year(t)), _text("H28", "年度")]
MonthDayField = Annotated[tuple[int, int], _reading("bad-date", _month_day), _text("12-29", "月日")]
WeekdayField = Annotated[int, _reading("bad-weekday", _weekday), _text("土", "曜日")]
LengthField = Annotated[
    Length, _reading("bad-length", _positive), _text("10wd", "長さ: wd 開庁日, d 暦日, w 週, m 月, y 年")
]
WorkingDaysField = Annotated[Length, _reading("bad-length", _working_days), _text("5wd", "開庁日の数")]
LagField = Annotated[Length, _reading("bad-length", lambda t, i: parse_length(t)), _text("-3wd", "間隔、負も可")]
TimeField = Annotated[time, _reading("bad-time", _clock), _text("08:30", "時刻")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
Title = Annotated[str, Field(min_length=1, max_length=200)]


class Shape(BaseModel):
    """The root of every shape: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


# --- closures/*.yaml ---


class YearEndShape(Shape):
    """The year-end days, as month-day."""

    from_: MonthDayField = Field(alias="from")
    to: MonthDayField


class RegimeShape(Shape):
    """What is closed as a rule; what is not said is as it was before, or as in the file that this one extends."""

    weekdays: tuple[WeekdayField, ...] | None = None
    national_holidays: bool | None = None
    year_end: YearEndShape | None = None
    basis: str = ""
    confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""


class ChangeOfRegimeShape(RegimeShape):
    """A regime that an ordinance brings from a day on, until the next."""

    from_: DayField = Field(alias="from")

    @model_validator(mode="after")
    def _changes_something(self) -> ChangeOfRegimeShape:
        if self.weekdays is None and self.national_holidays is None and self.year_end is None:
            raise PydanticCustomError(
                "bad-shape", "この日から変わるものを weekdays、national_holidays、year_end から書いてください。"
            )
        return self


class ExtraShape(Shape):
    """Days closed or open all the same: one day, the n-th given weekdays of each month, or a span."""

    on: DayField | None = None
    weekday: WeekdayField | None = None
    nth: tuple[int, ...] = ()
    from_: DayField | None = Field(default=None, alias="from")
    to: DayField | None = None
    why: Title
    basis: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> ExtraShape:
        is_span = self.from_ is not None and self.to is not None
        ways = (
            self.on is not None and not (self.weekday is not None or self.nth or self.from_ or self.to),
            self.on is None and self.weekday is not None and bool(self.nth),
            self.on is None and self.weekday is None and not self.nth and is_span,
        )
        if not any(ways):
            raise PydanticCustomError(
                "bad-shape",
                "on（一日）、weekday と nth（毎月第n曜日。from と to で期間を限れます）、from と to（期間）の"
                "どれか一つの形で書いてください。",
            )
        if any(not 1 <= number <= 5 for number in self.nth):
            raise PydanticCustomError("bad-number", "nth は1から5までの数で書いてください。例: nth: [2, 4]")
        if self.from_ and self.to and self.to < self.from_:
            raise PydanticCustomError("bad-date", "to が from より前です。from と to を入れ替えてください。")
        return self

    @property
    def reason(self) -> str:
        """What is said of such a day: why, and the law or ordinance where there is one."""
        return f"{self.why}（{self.basis}）" if self.basis else self.why

    @property
    def rank(self) -> int:
        """How sure it is, the surest last: 毎月第n曜日, a span, a day written out."""
        return 2 if self.on else 0 if self.nth else 1

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days meant, within a span."""
        begin = max(first, self.on or self.from_ or first)
        end = min(last, self.on or self.to or last)
        step = 1
        if self.weekday is not None:
            begin, step = begin + timedelta((self.weekday - begin.weekday()) % 7), 7
        for number in range(begin.toordinal(), end.toordinal() + 1, step):
            day = date.fromordinal(number)
            if not self.nth or (day.day - 1) // 7 + 1 in self.nth:
                yield day


class ClosuresDocument(RegimeShape):
    """A file of `calendar/closures/`: which days an office is closed, at first and under each later regime."""

    closures: Identifier
    title: Title
    extends: Identifier | None = None
    regimes: tuple[ChangeOfRegimeShape, ...] = ()
    closed: tuple[ExtraShape, ...] = ()
    open: tuple[ExtraShape, ...] = ()


# --- rules/*.yaml ---


class AmendmentShape(Shape):
    """A later version of a rule, from a day on: what is left out stays as it was."""

    in_force_from: DayField | None = None
    title: Title | None = None
    basis: str | None = None
    direction: Direction = Direction.FORWARD
    length: LengthField | None = None
    first_day: FirstDay = FirstDay.EXCLUDED
    roll: Roll = Roll.NONE
    calendar: Identifier = "municipality"
    effect: Effect = Effect.HARD
    confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""
    clear: bool = False
    passed: bool = False
    at: TimeField | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """What is written, by its key."""
        return {key: value for key in self.model_fields_set if (value := getattr(self, key)) is not None}


class RuleShape(AmendmentShape):
    """A statutory period."""

    title: Title
    basis: str
    length: LengthField
    amended: tuple[AmendmentShape, ...] = ()


Role = Literal["owner", "superior", "secretariat"]


class BeforeShape(Shape):
    """Reminders ahead of the latest safe finish."""

    offsets: tuple[LengthField, ...]
    to: tuple[Role, ...] = ("owner",)


class ToShape(Shape):
    """Who is told."""

    to: tuple[Role, ...]


class AfterShape(Shape):
    """Reminders repeated after the due date; the rhythm is in working days."""

    every: WorkingDaysField
    to: tuple[Role, ...] = ("owner", "secretariat")


class ExpiringShape(BeforeShape):
    """Reminders ahead of the end of a validity that something still rests on."""

    to: tuple[Role, ...] = ("owner", "secretariat")


class PolicyShape(Shape):
    """A reminder policy: what is left out is not sent."""

    before: BeforeShape | None = None
    on_day: ToShape | None = None
    after: AfterShape | None = None
    escalate: tuple[WorkingDaysField, ...] = ()
    blocked: ToShape | None = None
    unblocked: ToShape | None = None
    moved: ToShape | None = None
    expiring: ExpiringShape | None = None
    rejected: ToShape | None = None
    urgent: tuple[
        Literal["blocked", "unblocked", "on_day", "after", "escalated", "rejected", "moved", "estimate"], ...
    ] = (
        "blocked",
        "on_day",
        "rejected",
        "moved",
        "estimate",
    )

    @model_validator(mode="after")
    def _tiers_ascend(self) -> PolicyShape:
        days = [tier.number for tier in self.escalate]
        if days != sorted(set(days)):
            raise PydanticCustomError("bad-length", "escalate は短い順に、同じ長さのないように書いてください。")
        return self


class RulesDocument(Shape):
    """A file of `calendar/rules/`: statutory periods, reminder policies and which kind has which, or some of these."""

    rules: dict[Identifier, RuleShape] = {}
    policies: dict[Identifier, PolicyShape] = {}
    reminders: dict[Kind, Identifier] = {}


# --- organisations/*.yaml ---


class HoursShape(Shape):
    """Office hours, local time."""

    from_: TimeField = Field(alias="from")
    to: TimeField


class MemberShape(Shape):
    """A seat on a body."""

    post: Title
    role: Title


MailField = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class ReachableShape(Shape):
    """Where somebody is written to: by mail, or by a channel whose secret address has a name."""

    mail: MailField | None = None
    channel: Literal["mail", "teams", "slack", "json", "file"] = "mail"
    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] | None = None
    language: Literal["ja", "en"] = "ja"

    @model_validator(mode="after")
    def _has_address(self) -> ReachableShape:
        if (self.channel != "mail") != (self.address is not None):
            raise PydanticCustomError(
                "bad-channel",
                "channel が teams、slack、json、file のときは address（秘密の宛先につけた名前）が要り、"
                "mail のときは要りません。",
            )
        return self


class SpanShape(Shape):
    """From one day to another, both included."""

    from_: DayField = Field(alias="from")
    to: DayField

    @model_validator(mode="after")
    def _in_order(self) -> SpanShape:
        if self.to < self.from_:
            raise PydanticCustomError("bad-date", "to が from より前です。from と to を入れ替えてください。")
        return self


class PostShape(ReachableShape):
    """A post: where its holder is written to, and who stands in."""

    deputy: Title | None = None
    absent: tuple[SpanShape, ...] = ()


class BodyShape(ReachableShape):
    """A committee, a department, a separate executing agency, or somebody outside."""

    title: Title
    kind: Literal["council", "department", "agency", "external"]
    reports_to: Identifier | None = None
    line: tuple[Title, ...] | None = None
    members: tuple[MemberShape, ...] = ()
    duties: tuple[str, ...] = ()
    source: str = ""
    note: str = ""


class OrganisationDocument(Shape):
    """A file of `calendar/organisations/`: a municipality and its bodies."""

    organisation: Identifier
    municipality: Annotated[str, Field(pattern=r"^\d{6}$")]
    title: Title
    zone: str = "Asia/Tokyo"
    office_hours: HoursShape | None = None
    secretariat: Identifier
    closures: Annotated[tuple[Identifier, ...], Field(min_length=1)] = ("municipality",)
    posts: dict[Title, PostShape] = {}
    bodies: dict[Identifier, BodyShape]


# --- plans/*.yaml ---


class DependencyShape(Shape):
    """One prerequisite."""

    on: Identifier
    type: LinkType = LinkType.FINISH_TO_START
    lag: LagField = Length(0, "wd")
    valid: bool = False
    lapse: Lapse | None = None


class DueRuleShape(Shape):
    """A hard deadline counted by a statutory rule from another milestone's start or finish."""

    rule: Identifier
    from_: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*\.(start|finish)$")] = Field(alias="from")
    suspended: tuple[Identifier, ...] = ()


class ValidityShape(Shape):
    """How long a completion stays good."""

    for_: LengthField = Field(alias="for")
    basis: str = ""
    lapse: Lapse = Lapse.BLOCK


class PointShape(Shape):
    """One counted figure."""

    on: DayField
    title: Title
    value: int
    unit: str
    parts: dict[str, int] = {}
    source: str = ""
    note: str = ""


class CapacityShape(Shape):
    """How many a day."""

    per_day: Annotated[int, Field(gt=0)]
    closures: Identifier
    of: Title | None = None
    done: Title | None = None
    note: str = ""


class RecurrenceShape(Shape):
    """How a duty comes again: every so long, at further windows, or with each occurrence of another."""

    every: LengthField | None = None
    from_: Literal["window", "completion"] = Field(default="window", alias="from")
    until: WindowField | None = None
    at: tuple[WindowField, ...] = ()
    with_: Identifier | None = Field(default=None, alias="with")
    moved: dict[Annotated[str, Field(pattern=r"^[1-9]\d{0,2}$")], WindowField] = {}

    @model_validator(mode="after")
    def _one_way(self) -> RecurrenceShape:
        if sum(each not in (None, ()) for each in (self.every, self.at, self.with_)) != 1:
            raise PydanticCustomError(
                "bad-recurrence",
                "every（周期）、at（次からの時期）、with（いっしょに繰り返す項目）のうち、ちょうど一つを書いてください。",
            )
        if self.every is None and (self.until or self.from_ == "completion"):
            raise PydanticCustomError("bad-recurrence", "until と from は every とだけ使えます。")
        if self.every and not self.until:
            raise PydanticCustomError(
                "bad-recurrence", "いつまで繰り返すかを until: 平成30年3月 のように書いてください。"
            )
        if self.every and self.every.unit == "wd":
            raise PydanticCustomError(
                "bad-recurrence", "周期は 1y（年）、3m（月）、2w（週）、30d（日）のように書いてください。"
            )
        if self.until and self.until.last is None:
            raise PydanticCustomError("bad-recurrence", "until には終わりの日が要ります。例: 平成30年3月")
        return self


def _dependency(value: Any) -> Any:
    return {"on": value} if isinstance(value, str) else value


def _due(value: Any, info: ValidationInfo) -> Any:
    return value if isinstance(value, dict) else _due_day(value, info)


def _due_day(value: Any, info: ValidationInfo) -> date:
    try:
        window = parse_window(str(value), _year(info))
    except InputError as exc:
        raise PydanticCustomError("bad-date", "{reason}", {"reason": str(exc)}) from exc
    if window.last is None:
        raise PydanticCustomError("bad-date", "「{text}」には終わりの日がありません。", {"text": str(value)})
    return window.last


class MilestoneShape(Shape):
    """One thing that must happen."""

    title: Title
    kind: Kind
    owner: Identifier
    when: WindowField | None = None
    duration: LengthField = Length(1, "wd")
    after: tuple[Annotated[DependencyShape, BeforeValidator(_dependency)], ...] = ()
    due: Annotated[DueRuleShape | date, BeforeValidator(_due)] | None = None
    pinned: bool = False
    assumed: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    validity: ValidityShape | None = None
    reminders: Identifier | None = None
    done: PastField | None = None
    recurs: RecurrenceShape | None = None
    series: tuple[PointShape, ...] = ()
    capacity: CapacityShape | None = None
    source: str = ""
    basis: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _is_placed(self) -> MilestoneShape:
        if self.when is None and not self.after and self.done is None:
            raise PydanticCustomError(
                "no-date",
                "when（時期）、after（前提）、done（終わった時期）のどれかが要ります。"
                "未定なら when: 調整中 と書いてください。",
            )
        return self


def milestone_keys() -> list[str]:
    """Return the keys that a milestone may have."""
    return list(MilestoneShape.model_fields)


class NoteShape(Shape):
    """A dated or counted fact of the source that is no task."""

    title: Title
    text: str
    when: WindowField | None = None
    source: str = ""


class PlanDocument(Shape):
    """A file of `calendar/plans/`: a programme of milestones."""

    plan: Identifier
    title: Title
    fiscal_year: YearField | None = None
    organisation: Identifier
    closures: Annotated[tuple[Identifier, ...], Field(min_length=1)] = ("municipality",)
    source: str = ""
    due_soon: WorkingDaysField = Length(5, "wd")
    policies: dict[Identifier, PolicyShape] = {}
    reminders: dict[Kind, Identifier] = {}
    notes: tuple[NoteShape, ...] = ()
    milestones: Annotated[dict[Identifier, MilestoneShape], Field(min_length=1)]


# --- histories/*.yaml ---


class EventShape(Shape):
    """What somebody did on a day: exactly one of start, complete, waive, cancel, move, or an answer to a reminder."""

    on: DayField
    start: Identifier | None = None
    complete: Identifier | None = None
    waive: Identifier | None = None
    cancel: Identifier | None = None
    acknowledge: Identifier | None = None
    snooze: Identifier | None = None
    estimate: Identifier | None = None
    excuse: Identifier | None = None
    reject: Identifier | None = None
    move: Identifier | None = None
    to: WindowField | None = None
    until: DayField | None = None
    cascade: Literal["push", "shift", "none"] | None = None
    reason: str = ""
    by: str = ""
    evidence: dict[str, str] = {}
    effective: DayField | None = None
    expires: DayField | None = None
    source: str = ""
    assumed: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _one_deed(self) -> EventShape:
        if len(self.deeds) != 1:
            raise PydanticCustomError(
                "bad-event",
                f"{' '.join(Deed)} のうち、ちょうど一つを書いてください。",
            )
        if (self.move is None) != (self.to is None):
            raise PydanticCustomError("bad-event", "move には to（新しい時期）が要り、to は move とだけ使えます。")
        if (self.until is None) == bool(self.snooze or self.estimate or self.excuse):
            raise PydanticCustomError(
                "bad-event", "snooze、estimate、excuse には until（いつまで）が要り、until はそれらとだけ使えます。"
            )
        return self

    @property
    def deeds(self) -> list[tuple[str, str]]:
        """The deeds that are written, each with its milestone."""
        return [(deed.value, id) for deed in Deed if (id := getattr(self, deed.value)) is not None]


class HistoryDocument(Shape):
    """A file of `calendar/histories/`: what people did, or might have done."""

    history: Identifier
    plan: Identifier
    title: Title
    kind: Literal["record", "scenario"]
    note: str = ""
    events: tuple[EventShape, ...]


# --- city.yaml ---


class DemoShape(Shape):
    """What `kijitsu demo` shows: a plan lived through with a history, on a day when something is blocked."""

    plan: Identifier
    history: Identifier
    shown: DayField
    blocked: Identifier
    late: Identifier
    moved_to: WindowField


class CityDocument(Shape):
    """The file `calendar/city.yaml`: which plan is meant where none is named, and what the demonstration shows."""

    plan: Identifier | None = None
    demo: DemoShape | None = None
