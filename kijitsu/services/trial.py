"""A trial letter: whether a body's channel works is known before the first deadline depends on it."""

from __future__ import annotations

from difflib import get_close_matches
from uuid import uuid4

from kijitsu.domain.errors import InputError
from kijitsu.domain.plan import Addressee, Organisation
from kijitsu.domain.roles import Right
from kijitsu.messages import DeliveryFailure, Envelope, Letter
from kijitsu.office import Office
from kijitsu.services.watching import organisation_of
from kijitsu.services.writing import addressed


def send_trial(office: Office, plan: str, id: str) -> tuple[Addressee, str]:
    """Send a trial letter to a body or post by its channel, at once and past the ledger; return the server's answer.

    `id` is a body's id or exact title, or a post's title.
    Raises DeliveryFailure with the server's words where it refuses, InputError where nobody is called so or has an
    address. Either answer stands in the audit log.
    """
    actor = office.actor()
    actor.require(Right.SEND, "試験の通知の送信")
    organisation = organisation_of(office, plan)
    to = _addressee(organisation, id)
    envelope = _envelope(office, organisation, plan, to)
    courier = office.open_courier()
    refusal = None
    try:
        answer = courier.send(envelope)
    except DeliveryFailure as exc:
        refusal, answer = exc, str(exc)
    finally:
        courier.close()
    details = {"channel": to.channel, "address": to.address, "answer": answer, "accepted": refusal is None}
    with office.open_work(organisation.municipality, False) as work:
        now = office.now(organisation)
        work.audit.append(now, actor.name, actor.authenticated_by, "trial", to.id, details)
        work.commit()
    if refusal:
        raise refusal
    return to, answer


def _addressee(organisation: Organisation, id: str) -> Addressee:
    bodies, posts = organisation.bodies, organisation.posts
    titled = [body for body in bodies.values() if body.title == id]
    found = bodies.get(id) or posts.get(id) or (titled[0] if len(titled) == 1 else None)
    if found is None:
        shown = {word: f"{body.id}（{body.title}）" for body in bodies.values() for word in (body.id, body.title)}
        near = get_close_matches(id, [*shown, *posts], n=1, cutoff=0.6)
        hint = f"もしかして: {shown.get(near[0], near[0])}" if near else ""
        raise InputError(f"「{id}」という組織や職は {organisation.id} にありません。{hint}")
    if found.addressee is None:
        raise InputError(
            f"「{found.title}」には宛先がありません。calendar/organisations/{organisation.id}.yaml に "
            "mail: か、channel: と address: を書いてください。"
        )
    return found.addressee


def _envelope(office: Office, organisation: Organisation, plan: str, to: Addressee) -> Envelope:
    on, contact = office.today(organisation), organisation.secretariat_body
    with office.open_work(organisation.municipality, True) as work:
        revision = work.plans.latest(plan)
    letter = Letter(
        municipality=organisation.title,
        plan=plan,
        plan_title=revision.document["title"] if revision else "",
        on=on,
        recipient=to.id,
        recipient_title=to.title,
        is_request=False,
        items=(),
        contact_title=contact.title,
        contact_mail=contact.mail or "",
        municipality_code=organisation.municipality,
        language=to.language,
        message="test",
    )
    # Each trial is a message of its own: a mail program may hide one that it has seen before.
    key = f"test/{on}/{to.id}/{uuid4().hex[:8]}"
    return addressed(office, organisation, to, key, letter)
