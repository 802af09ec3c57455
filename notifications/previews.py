"""Every kind of letter as it will look, with made-up contents: `python -m notifications.previews FOLDER`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

from kijitsu.messages import (
    Alert,
    Approval,
    Coming,
    Item,
    Letter,
    Matter,
    Meeting,
    Revised,
    Stop,
    Topic,
    Weekly,
    Wording,
)
from notifications.render import LANGUAGES, LetterRenderer

_ON = date(2016, 6, 3)
_OWN = Item(
    topic=Topic.BEFORE,
    milestone="ordinance",
    title="手数料条例の改正案の作成",
    owner="市民課",
    answers_for=True,
    due=date(2016, 6, 10),
    window="平成28年6月上旬",
    latest_safe=None,
    working_days_left=5,
    basis="地方自治法第228条第1項",
    evidence=("改正案", "決裁の文書番号"),
    link="https://k.example/answer/sample.dGhpcyBsaW5rIGlzIG1hZGUgdXA.for-the-preview",
)
_LATE = replace(_OWN, topic=Topic.AFTER, due=date(2016, 5, 27), window="平成28年5月下旬", working_days_left=-5, count=1)
_HELD = ("議会への提出", "窓口の手引の改訂", "広報紙への掲載")
_COPY = replace(_LATE, milestone="survey", title="事務の現況調査", owner="情報システム課", answers_for=False)

# One of each topic, as it stands alone in a letter.
_ITEMS = {
    Topic.REJECTED: replace(
        _OWN,
        topic=Topic.REJECTED,
        cause="添付された改正案に附則がありません。施行期日を定めた附則を加えてください。",
    ),
    Topic.ASKED: replace(_LATE, topic=Topic.ASKED, count=0, holds_up=_HELD),
    Topic.BLOCKED: replace(
        _OWN,
        topic=Topic.BLOCKED,
        milestone="submission",
        title="議会への提出",
        due=date(2016, 6, 17),
        window="平成28年6月中旬",
        working_days_left=10,
        basis="",
        evidence=(),
        reasons=("「手数料条例の改正案の作成」が期限（平成28年5月27日（金））を過ぎても完了していません。",),
        holds_up=("改正条例の公布", "窓口での取扱いの開始"),
    ),
    Topic.AFTER: _LATE,
    Topic.ESCALATED: replace(_LATE, topic=Topic.ESCALATED, answers_for=False, count=3, holds_up=_HELD),
    Topic.ESTIMATE: replace(
        _OWN,
        topic=Topic.ESTIMATE,
        answers_for=False,
        estimate=date(2016, 6, 24),
        cause="法制担当との協議に時間を要しているためです。",
        holds_up=_HELD,
    ),
    Topic.ON_DAY: replace(_OWN, topic=Topic.ON_DAY, due=_ON, working_days_left=0, due_at=time(17, 15)),
    Topic.BEFORE: replace(
        _OWN, due=date(2016, 6, 17), window="平成28年6月中旬", latest_safe=date(2016, 6, 10), holds_up=_HELD
    ),
    Topic.EXPIRING: replace(
        _OWN,
        topic=Topic.EXPIRING,
        milestone="roster",
        title="情報資産管理台帳の更新",
        due=date(2015, 6, 30),
        window="平成27年6月",
        working_days_left=None,
        valid_until=date(2016, 6, 30),
        basis="情報セキュリティ対策基準第12条",
        evidence=("管理台帳",),
        holds_up=("監査資料の提出",),
    ),
    Topic.MOVED: replace(
        _OWN,
        topic=Topic.MOVED,
        milestone="submission",
        title="議会への提出",
        owner="総務課",
        due=date(2016, 6, 24),
        window="平成28年6月下旬",
        working_days_left=15,
        was=date(2016, 6, 17),
        was_window="平成28年6月中旬",
        cause="定例会の会期が1週間繰り下げられたためです。",
        basis="",
    ),
    Topic.UNBLOCKED: replace(_OWN, topic=Topic.UNBLOCKED, evidence=()),
}

_TITLES = {
    Topic.REJECTED: "Evidence sent back 証拠の差戻し",
    Topic.ASKED: "The secretariat asks 至急の照会",
    Topic.BLOCKED: "Stopped 停止",
    Topic.AFTER: "Overdue 期限超過",
    Topic.ESCALATED: "Report to a superior 上司への報告",
    Topic.ESTIMATE: "Deadline cannot be kept, to the secretariat 期限内の完了は困難",
    Topic.ON_DAY: "Due today 本日期限",
    Topic.BEFORE: "Due soon, and the day of what follows speaks 期限が近い項目",
    Topic.EXPIRING: "Validity ending 有効期間の終わり",
    Topic.MOVED: "Date changed 日程変更",
    Topic.UNBLOCKED: "No longer stopped 停止の解除",
}

_WEEKLY = Weekly(
    head_number=123,
    head_hash="4f2a91c00b7d55e1a8d3069b17fe24c5603b9d8e2f41a7cc90e5d6328b1f74aa",
    total=24,
    done=9,
    overdue=1,
    blocked=2,
    due_soon=3,
    matters=(
        Matter(
            "overdue",
            "事務の現況調査",
            "情報システム課",
            date(2016, 5, 27),
            ("改正条例の公布", "窓口での取扱いの開始"),
            "情報システム課が「事務の現況調査」を完了し、報告すれば、この原因は解けます。",
        ),
        Matter("due_soon", "手数料条例の改正案の作成", "市民課", date(2016, 6, 10)),
    ),
    coming=tuple(
        Coming(title, owner, date(2016, 6, day))
        for title, owner, day in (
            ("手数料条例の改正案の作成", "市民課", 10),
            ("施行の告示", "総務課", 13),
            ("議会への提出", "総務課", 17),
        )
    ),
    changes=(Revised(2, "定例会の会期が1週間繰り下げられたためです。", "総務課長"),),
    proposals=(Revised(1, "窓口の改修が遅れるためです。", "市民課長"),),
    undelivered=1,
)
_APPROVAL = Approval(
    Revised(1, "窓口の改修が遅れるためです。", "市民課長"),
    (
        "窓口での取扱いの開始 → 平成28年8月上旬",
        "窓口職員への研修: 平成28年6月下旬 → 平成28年7月下旬（余裕 3開庁日 → 3開庁日）",
        "！法定・確定の期限を守れません: 改正条例の施行（平成28年8月1日（月）、手数料条例附則）",
        "督促: 取消 2件、新規 2件",
    ),
    "https://k.example/plans/sample/changes/proposals/1",
)
_STOPPED = Alert(
    count=3,
    stops=(
        Stop(
            "手数料条例の改正案の作成",
            "「手数料条例の改正案の作成」（担当：市民課）が期限を過ぎても完了していません（平成28年5月28日（土）から）。",
            ("議会への提出", "改正条例の公布", "窓口での取扱いの開始"),
        ),
    ),
)


def letters(language: str) -> Iterator[tuple[str, str, Letter]]:
    """Yield a file name, a heading and a letter for every kind of letter, in a language."""
    usual = Letter(
        municipality="見本市",
        plan="sample",
        plan_title="平成28年度 手数料見直し計画（見本）",
        on=_ON,
        recipient="residents",
        recipient_title="市民課",
        is_request=False,
        items=(),
        contact_title="総務課",
        contact_mail="somu@city.example",
        municipality_code="000000",
        language=language,
        revision=2,
        changed_at=datetime(2016, 6, 2, 6, 0, tzinfo=UTC),
    )
    readers = {Topic.ESCALATED: "市民部長", Topic.ESTIMATE: "総務課"}
    for topic, item in _ITEMS.items():
        reader = readers.get(topic, usual.recipient_title)
        yield topic, _TITLES[topic], replace(usual, items=(item,), recipient_title=reader)
    on_day, before = _ITEMS[Topic.ON_DAY], _ITEMS[Topic.BEFORE]
    repeated = replace(_LATE, count=3, holds_up=_HELD)
    earliest = replace(
        _OWN, milestone="notice", title="施行の告示", due=date(2016, 6, 13), window="", is_earliest=True, evidence=()
    )
    first = replace(on_day, milestone="resolution", title="計画の決裁")
    next_one = replace(before, milestone="training", title="窓口職員への研修", basis="", evidence=("研修の記録",))
    mixed = (repeated, first, next_one, earliest, *(_ITEMS[t] for t in (Topic.BLOCKED, Topic.MOVED)), _COPY)
    yield "digest", "Several things in one letter まとめたお知らせ", replace(usual, items=mixed)
    agency = replace(usual, is_request=True, recipient_title="教育委員会")
    theirs = replace(before, owner="教育委員会", link="")
    yield "request", "A request to another agency 別の機関への依頼", replace(agency, items=(theirs,))
    yield "repeat", "A second reminder 再依頼", replace(usual, items=(repeated,))
    yield "earliest", "A deadline that is the earliest possible 最も早い場合の期限", replace(usual, items=(earliest,))
    yield "copy", "A copy 写し", replace(usual, items=(_COPY,))
    secretariat = replace(usual, recipient="general_affairs", recipient_title="総務課")
    yield "weekly", "The weekly letter 週報", replace(secretariat, message="weekly", weekly=_WEEKLY)
    council = replace(usual, recipient="council", recipient_title="手数料見直し本部")
    meeting = Meeting("第2回手数料見直し本部会議", date(2016, 6, 10), "平成28年6月", is_estimate=True)
    briefing = replace(_WEEKLY, meetings=(meeting,))
    yield "briefing", "The report before a meeting 会議の前の報告", replace(council, message="weekly", weekly=briefing)
    manager = replace(usual, recipient="市民部長", recipient_title="市民部長")
    yield "approval", "Approval asked for 承認依頼", replace(manager, message="approval", approval=_APPROVAL)
    yield "alert", "Stopped, to the channel 停止の連絡", replace(secretariat, message="alert", alert=_STOPPED)
    undelivered = Alert(undelivered=("市民課", "教育委員会"))
    yield (
        "undelivered",
        "Undelivered, to the channel 不達の連絡",
        replace(secretariat, message="alert", alert=undelivered),
    )
    yield "test", "A trial letter 試験送信", replace(usual, message="test")


def previews() -> dict[str, str]:
    """Return the previews and their index: contents by path."""
    render = LetterRenderer()
    files: dict[str, str] = {}
    rows: dict[str, list[str]] = {}
    for language in LANGUAGES:
        for name, title, letter in letters(language):
            forms = _forms(render(letter), with_calendar=name == "digest")
            files |= {f"{language}/{name}.{form}": content for form, content in forms.items()}
            links = " ".join(f"[{form}]({language}/{name}.{form})" for form in forms)
            rows.setdefault(title, []).append(links)
    table = "\n".join(f"| {title} | {' | '.join(cells)} |" for title, cells in rows.items())
    files["README.md"] = _INDEX.format(table=table)
    return files


def _forms(wording: Wording, with_calendar: bool) -> Mapping[str, str]:
    card = json.dumps(json.loads(wording.card), ensure_ascii=False, indent=1)
    forms = {
        "html": wording.html,
        "txt": f"Subject: {wording.subject}\n\n{wording.text}",
        "json": card,
        "ics": wording.calendar.replace("\r\n", "\n") if with_calendar else "",
    }
    return {form: f"{content.rstrip()}\n" for form, content in forms.items() if content}


_INDEX = """# Letters

What people receive, made by `make docs` from `notifications/templates/`; everything in them is made up. A letter is a
mail with a page (html) and a plain text (txt), a card for Teams (json), and an attachment with the dates that the
reader has yet to keep (ics, shown for the letter about several things). A test compares these files with what is
written today.

| letter | Japanese | English |
|---|---|---|
{table}
"""


def main(folder: Path) -> None:
    """Write the previews into a folder, in place of what is there."""
    for language in LANGUAGES:
        shutil.rmtree(folder / language, ignore_errors=True)
    for name, content in previews().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
