"""What people report on a milestone: started, done with evidence, waived, cancelled, or an answer to a reminder."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path

from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import NOTHING_YET, Deed
from kijitsu.explain import reason_sentences
from kijitsu.office import Actor, Json, Office
from kijitsu.services.reading import Standing
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.store import rows


@dataclass(frozen=True)
class Report:
    """What somebody reports on a milestone: the deed, its day, and what it needs."""

    deed: Deed
    milestone: str
    on: date
    reason: str = ""
    by: str = ""
    evidence: dict[str, str] = field(default_factory=dict)
    effective: date | None = None
    expires: date | None = None
    file: Path | None = None
    override: str = ""


def evidence(text: str) -> tuple[str, str]:
    """Read one piece of evidence: 議事録=総第12号 is the kind and the document's number."""
    kind, equals, number = text.replace("＝", "=").partition("=")
    if not equals or not kind.strip() or not number.strip():
        raise InputError(f"「{text}」は「種類=文書番号」の形で書いてください。例: 議事録=総第12号")
    return kind.strip(), number.strip()


def report(office: Office, plan: str, given: Report, actor: Actor) -> int:
    """Record a report, with its audit entry, in one transaction; return its number.

    Raises InputError for a day in the future, a milestone that is closed already, a missing reason, and (unless
    overridden with a reason) for a blocked milestone or evidence that the plan asks for and nobody gave.
    """
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        standing = adopted(office, work, plan, today)
        id = standing.milestone(given.milestone)
        _check(standing, given, today)
        now = office.now(standing.plan.organisation)
        details = _details(office, given)
        row = rows.EventRow(plan, given.on, given.deed, id, details, actor.name, now)
        number = work.events.add(row)
        entry = {"on": given.on.isoformat(), "event": number, **details}
        work.audit.append(now, actor.name, actor.authenticated_by, given.deed, f"{plan}/{id}", entry)
        work.commit()
    return number


def _check(standing: Standing, given: Report, today: date) -> None:
    milestone = standing.plan.milestones[given.milestone]
    done = standing.progress.get(given.milestone, NOTHING_YET)
    title = milestone.title
    if given.on > today:
        raise InputError(
            f"{show_date(given.on)}は先の日です。「{title}」は今日（{show_date(today)}）までの日で報告してください。"
        )
    if given.deed is Deed.ACKNOWLEDGE:
        return
    if done.is_closed:
        day = done.finished_on or done.cancelled_on
        assert day
        again = standing.plan.next_occurrence(given.milestone)
        hint = f"次の回は {again.id}（{again.title}）です。" if again else ""
        raise InputError(f"「{title}」は{show_date(day)}に終わっています。二度は報告できません。{hint}")
    if given.deed is Deed.START and done.started_on:
        raise InputError(f"「{title}」は{show_date(done.started_on)}に着手しています。")
    if given.deed in (Deed.START, Deed.COMPLETE) and not given.override:
        blocking = [reason for reason in standing.verdicts[given.milestone].reasons if reason.blocks]
        if blocking:
            raise InputError(
                f"「{title}」は停止しています。{' '.join(reason_sentences(standing.plan, blocking))}"
                "先にその項目を済ませるか、やむを得ないときは、進めてよい理由（--override）を書いてください。"
            )
    if given.deed is Deed.COMPLETE:
        if done.started_on and given.on < done.started_on:
            raise InputError(
                f"「{title}」の完了が着手（{show_date(done.started_on)}）より前です。日付を確かめてください。"
            )
        missing = [kind for kind in milestone.evidence if kind not in given.evidence]
        if missing and not given.override:
            example = " ".join(f"--evidence {kind}=文書番号" for kind in missing)
            raise InputError(
                f"「{title}」の完了には {'、'.join(missing)} が要ります。{example} を付けるか、"
                "やむを得ないときは、証拠がなくてよい理由（--override）を書いてください。"
            )
    elif given.deed in (Deed.WAIVE, Deed.CANCEL) and not given.reason.strip():
        raise InputError(
            f"「{title}」の{'免除' if given.deed is Deed.WAIVE else '中止'}には理由が要ります。"
            "--reason に書いてください。"
        )


def _details(office: Office, given: Report) -> Json:
    details: Json = {
        "reason": given.reason,
        "by": given.by,
        "override": given.override,
        "evidence": given.evidence,
        "effective": given.effective and given.effective.isoformat(),
        "expires": given.expires and given.expires.isoformat(),
        "file": _kept(office, given.file) if given.file else None,
    }
    return {key: value for key, value in details.items() if value}


def _kept(office: Office, file: Path) -> str:
    """Keep an evidence file under its SHA-256 and return that; the same file is kept once."""
    try:
        content = file.read_bytes()
    except OSError as exc:
        raise InputError(f"証拠書類 {file} を読めません: {exc.strerror}。パスを確かめてください。") from exc
    digest = sha256(content).hexdigest()
    folder = office.settings.home / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{digest}.part"
    part.write_bytes(content)
    part.replace(folder / f"{digest}{file.suffix.lower()}")
    return f"sha256:{digest}"
