"""From checked shapes to the frozen values of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from kijitsu import schemas as shape
from kijitsu.domain.history import Deed, Event
from kijitsu.domain.periods import Rule
from kijitsu.domain.plan import (
    Addressee,
    Body,
    Capacity,
    Dependency,
    DueRule,
    Member,
    Milestone,
    Note,
    Organisation,
    Plan,
    Point,
    Policy,
    Post,
    Validity,
)
from kijitsu.domain.recurrence import Recurrence, expanded


def rule_of(id: str, rule: shape.RuleShape) -> Rule:
    """Return a rule and its later versions, each made of the one before. Raises InputError where they contradict."""
    versions = [Rule(id, **{**rule.changes, "amended": ()})]
    for amendment in rule.amended:
        versions.append(replace(versions[-1], **{"in_force_from": None, **amendment.changes}))
    return replace(versions[0], amended=tuple(versions[1:]))


def policy_of(policy: shape.PolicyShape, base: Policy | None = None) -> Policy:
    """Return a policy; over another of the same id, what is not written stays as it is there."""
    whole = _policy_of(policy)
    if base is None:
        return whole
    written = {name for key in policy.model_fields_set for name in _FIELDS_OF.get(key, (key,))}
    return replace(base, **{name: getattr(whole, name) for name in written})


# The fields of a policy that a key gives, where it is not the one of its name.
_FIELDS_OF = {
    "before": ("before", "to_before"),
    "on_day": ("on_day", "to_on_day"),
    "after": ("every", "to_after"),
    "escalate": ("tiers",),
    "blocked": ("to_blocked",),
    "unblocked": ("to_unblocked",),
    "moved": ("to_moved",),
    "expiring": ("expiring", "to_expiring"),
    "rejected": ("to_rejected",),
}


def _policy_of(policy: shape.PolicyShape) -> Policy:
    def to(part: shape.ToShape | shape.BeforeShape | shape.AfterShape | None) -> tuple[str, ...]:
        return part.to if part else ()

    return Policy(
        before=policy.before.offsets if policy.before else (),
        to_before=to(policy.before),
        on_day=policy.on_day is not None,
        to_on_day=to(policy.on_day),
        every=policy.after.every if policy.after else None,
        to_after=to(policy.after),
        to_blocked=to(policy.blocked),
        to_unblocked=to(policy.unblocked),
        tiers=policy.escalate,
        to_moved=to(policy.moved),
        expiring=policy.expiring.offsets if policy.expiring else (),
        to_expiring=to(policy.expiring),
        to_rejected=to(policy.rejected),
        urgent=policy.urgent,
    )


def organisation_of(parsed: shape.OrganisationDocument) -> Organisation:
    bodies = {
        id: Body(
            id,
            body.title,
            body.kind,
            body.reports_to,
            body.mail,
            body.channel,
            body.address or "",
            body.language,
            _line(body),
            tuple(Member(member.post, member.role) for member in body.members),
            body.duties,
            body.source,
            body.note,
            body.briefing,
            _alerts(id, body.title, body.alerts) if body.alerts else None,
        )
        for id, body in parsed.bodies.items()
    }
    posts = {
        title: Post(
            title,
            post.mail,
            post.channel,
            post.address or "",
            post.language,
            post.deputy,
            tuple((span.from_, span.to) for span in post.absent),
        )
        for title, post in parsed.posts.items()
    }
    hours = parsed.office_hours
    times = {"opens_at": hours.from_, "closes_at": hours.to} if hours else {}
    return Organisation(
        parsed.organisation,
        parsed.municipality,
        parsed.title,
        parsed.secretariat,
        bodies,
        parsed.zone,
        closures=parsed.closures,
        posts=posts,
        **times,
    )


def _alerts(id: str, title: str, place: shape.ChannelShape) -> Addressee:
    address = place.mail if place.channel == "mail" else place.address
    return Addressee(id, title, place.channel, address or "", place.language)


def _line(body: shape.BodyShape) -> tuple[str, ...]:
    """Return a body's posts from the nearest up, where the file does not say: of a council, who presides."""
    if body.line is not None:
        return body.line
    posts = [member.post for member in body.members]
    return tuple(posts[:1] if body.kind == "council" else reversed(posts))


def plan_of(
    parsed: shape.PlanDocument,
    organisation: Organisation,
    rules: Mapping[str, Rule],
    policies: Mapping[str, Policy],
    policy_of_kind: Mapping[str, str],
) -> Plan:
    return Plan(
        id=parsed.plan,
        title=parsed.title,
        organisation=organisation,
        milestones=expanded({id: _milestone(id, each, rules) for id, each in parsed.milestones.items()}),
        fiscal_year=parsed.fiscal_year,
        closures=parsed.closures,
        source=parsed.source,
        due_soon=parsed.due_soon.number,
        policies={**policies, **{id: policy_of(each, policies.get(id)) for id, each in parsed.policies.items()}},
        policy_of_kind={**policy_of_kind, **{kind.value: id for kind, id in parsed.reminders.items()}},
        approvers=parsed.approvers,
        notes=tuple(Note(note.title, note.text, note.when, note.source) for note in parsed.notes),
    )


def _milestone(id: str, parsed: shape.MilestoneShape, rules: Mapping[str, Rule]) -> Milestone:
    due: date | DueRule | None
    if isinstance(parsed.due, shape.DueRuleShape):
        anchor, _, end = parsed.due.from_.rpartition(".")
        due = DueRule(rules[parsed.due.rule], anchor, end, parsed.due.suspended)
    else:
        due = parsed.due
    validity = parsed.validity
    return Milestone(
        id=id,
        title=parsed.title,
        kind=parsed.kind,
        owner=parsed.owner,
        window=parsed.when or parsed.done,
        duration=parsed.duration,
        after=tuple(Dependency(link.on, link.type, link.lag, link.valid, link.lapse) for link in parsed.after),
        due=due,
        pinned=parsed.pinned,
        assumed=frozenset(parsed.assumed),
        evidence=parsed.evidence,
        validity=Validity(validity.for_, validity.basis, validity.lapse) if validity else None,
        reminders=parsed.reminders,
        done=parsed.done,
        recurs=_recurrence(parsed.recurs) if parsed.recurs else None,
        series=tuple(
            Point(point.on, point.title, point.value, point.unit, tuple(point.parts.items()), point.source)
            for point in parsed.series
        ),
        capacity=_capacity(parsed.capacity) if parsed.capacity else None,
        source=parsed.source,
        basis=parsed.basis,
        note=parsed.note,
    )


def _recurrence(parsed: shape.RecurrenceShape) -> Recurrence:
    return Recurrence(
        parsed.every,
        parsed.from_ == "completion",
        parsed.until.last if parsed.until else None,
        parsed.at,
        parsed.with_,
        {int(number): window for number, window in parsed.moved.items()},
    )


def _capacity(parsed: shape.CapacityShape) -> Capacity:
    return Capacity(parsed.per_day, parsed.closures, parsed.of, parsed.done, parsed.note)


def event_of(parsed: shape.EventShape) -> Event:
    [(deed, id)] = parsed.deeds
    details = {"reason": parsed.reason, "by": parsed.by, "source": parsed.source, "note": parsed.note}
    if parsed.to is not None:
        details["to"] = parsed.to.wording
        details["cascade"] = parsed.cascade or "push"
    if parsed.until is not None:
        details["until"] = parsed.until.isoformat()
    kept = {key: value for key, value in details.items() if value}
    return Event(parsed.on, Deed(deed), id, parsed.evidence, parsed.effective, parsed.expires, kept)
