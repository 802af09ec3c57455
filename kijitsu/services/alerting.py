"""News for the secretariat's channel: one short letter about what a pass stopped, or about letters that were given up.

The channel is a recipient of its own (a room, where mailboxes are people's): what it is told takes the place of nothing
in the day's letters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kijitsu.domain.errors import InputError
from kijitsu.domain.plan import Addressee, Organisation
from kijitsu.messages import Alert, Stop
from kijitsu.office import Office
from kijitsu.services.happenings import BLOCKED, DEAD, Happening, of_entry
from kijitsu.services.watching import PASS, adopted, organisation_of
from kijitsu.services.writing import addressed, letter_to
from kijitsu.store.rows import OutboxRow, OutboxState

ALERTS = "alert"
"""The second part of the key of every message to the channel."""


@dataclass(frozen=True)
class Alerted:
    """What became of the news: the channel's `place`, None where there is none, and whether a letter was written."""

    organisation: Organisation
    place: Addressee | None
    is_new: bool = False


def alert(office: Office, plan: str, number: int) -> Alerted:
    """Write what an entry of the audit log tells to the secretariat's channel, with an entry of its own, once.

    Raises InputError where the entry stopped nothing and gave up no letter.
    """
    organisation = organisation_of(office, plan)
    place = organisation.secretariat_body.alerts
    told = {each.name: each for each in of_entry(office, organisation, number)}
    if not told.keys() & {BLOCKED, DEAD}:
        raise InputError(f"監査記録の{number}番は、停止の記録でも不達の記録でもありません。")
    if place is None:
        return Alerted(organisation, None)
    key = f"{plan}/{ALERTS}/{number}"
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        if work.outbox.state(key):
            return Alerted(organisation, place)
        news = _stopped(told[BLOCKED]) if BLOCKED in told else _undelivered(plan, work.outbox.all(OutboxState.DEAD))
        if not news.stops and not news.undelivered:
            return Alerted(organisation, place)
        now = office.now(organisation)
        letter = letter_to(
            place, adopted(office, work, plan, None), office.today(organisation), message="alert", alert=news
        )
        work.outbox.add([addressed(office, organisation, place, key, letter)], office.opening(organisation, now))
        details = {"entry": number, "channel": place.channel}
        work.audit.append(now, PASS.name, PASS.authenticated_by, "alert", key, details)
        work.commit()
    return Alerted(organisation, place, True)


def _stopped(blocked: Happening) -> Alert:
    told = blocked.payload
    known = {each["id"]: each for each in told["stopped"]}
    return Alert(told["count"], tuple(_stop(cause, known) for cause in told["causes"]))


def _stop(cause: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> Stop:
    held: Sequence[Mapping[str, str]] = [known[id] for id in cause["holds_up"] if id in known]
    # The shortest is of what rests on the cause itself: the others go on to say through what it reaches them.
    reason = min((each["reason"] for each in held), key=len, default="")
    return Stop(cause["title"], reason, tuple(each["title"] for each in held))


def _undelivered(plan: str, dead: Sequence[OutboxRow]) -> Alert:
    # Not of the channel's own: whoever would read that one, does not.
    found = (row for row in dead if row.key.startswith(f"{plan}/") and not row.key.startswith(f"{plan}/{ALERTS}/"))
    return Alert(undelivered=tuple(row.envelope.recipient_title for row in found))
