"""What a letter says, word for word."""

from __future__ import annotations

import json
import re
from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.messages import Item, Letter, Topic
from notifications.render import LetterRenderer
from tests.unit.letters import FRIDAY, Page, item, letter, runs, unfolded

RENDER = LetterRenderer()


@pytest.mark.parametrize(
    ("only", "subject"),
    [
        (item(Topic.ON_DAY, due=FRIDAY), "【重要・本日期限】「独自利用条例の制定」について（照会）"),
        (item(Topic.BEFORE), "【6月10日期限】「独自利用条例の制定」について（照会）"),
        (item(Topic.BEFORE, latest_safe=date(2016, 6, 7)), "【6月7日期限】「独自利用条例の制定」について（照会）"),
        (item(Topic.BEFORE, due=None), "「独自利用条例の制定」について（照会）"),
        (item(Topic.AFTER, due=date(2016, 6, 1), count=1), "【期限超過】「独自利用条例の制定」について（照会）"),
        (item(Topic.AFTER, due=date(2016, 5, 1), count=2), "【期限超過】【再依頼】「独自利用条例の制定」について"),
        (item(Topic.BLOCKED), "【停止】「独自利用条例の制定」について（通知）"),
        (item(Topic.UNBLOCKED), "【停止解除】「独自利用条例の制定」について（通知）"),
        (item(Topic.REJECTED), "【差戻し】「独自利用条例の制定」について（依頼）"),
        (
            item(Topic.ESCALATED, due=date(2016, 6, 1), answers_for=False),
            "【御報告】【期限超過】「独自利用条例の制定」について（御指示のお願い）",
        ),
        (item(Topic.ESTIMATE), "【要判断】「独自利用条例の制定」について（期限内の完了は困難）"),
        (
            item(Topic.EXPIRING, valid_until=date(2016, 6, 30)),
            "【有効期間6月30日まで】「独自利用条例の制定」について（照会）",
        ),
        (item(Topic.MOVED), "【日程変更】「独自利用条例の制定」について（通知）"),
        (item(Topic.MOVED, answers_for=False), "【日程変更】「独自利用条例の制定」について（通知）"),
        (item(Topic.BLOCKED, answers_for=False), "【写し】【停止】「独自利用条例の制定」について（参考）"),
    ],
)
def test_a_letter_about_one_thing_names_it_in_the_subject(only: Item, subject: str) -> None:
    assert RENDER(letter(only)).subject == subject


def test_another_agency_is_requested_not_asked() -> None:
    wording = RENDER(letter(item(Topic.ON_DAY, due=FRIDAY), is_request=True, recipient_title="教育委員会"))

    assert wording.subject == "【重要・本日期限】「独自利用条例の制定」について（依頼）"
    assert "日頃から本市の業務に御協力いただき、ありがとうございます。石巻市総務課です。" in wording.text
    assert "標記の件について、本日、平成28年6月3日（金）までに御回答くださいますようお願いいたします。" in unfolded(
        wording.text
    )


def test_the_subject_of_a_digest_counts_what_is_urgent() -> None:
    several = [
        item(Topic.AFTER, due=date(2016, 7, 1)),
        item(Topic.BLOCKED),
        item(Topic.BLOCKED),
        item(Topic.BEFORE, due=date(2016, 7, 20)),
        item(Topic.AFTER, answers_for=False),
    ]

    wording = RENDER(letter(*several, on=date(2016, 7, 12)))

    assert wording.subject == "【期日のお知らせ】7月12日 5件（期限超過1件・停止2件・写し1件）"


def test_a_digest_of_copies_says_so_and_counts_them() -> None:
    copies = [item(Topic.AFTER, answers_for=False), item(Topic.BLOCKED, answers_for=False)]

    assert RENDER(letter(*copies)).subject == "【写し】【期日のお知らせ】6月3日 2件（期限超過1件・停止1件）"


def test_a_digest_of_nothing_urgent_has_a_short_subject() -> None:
    assert RENDER(letter(item(), item())).subject == "【期日のお知らせ】6月3日 2件"


def test_a_letter_on_the_day_reads_from_addressee_to_colophon() -> None:
    wording = RENDER(letter(item(Topic.ON_DAY, due=FRIDAY, evidence=("議事録", "条例案"), basis="番号法第9条第2項")))

    assert wording.text == (
        "市民課　御中\n"
        "\n"
        "お疲れさまです。総務課です。\n"
        "「平成28年度 社会保障・税番号制度 対応計画」の期日についてお知らせします。\n"
        "標記の件について、本日、平成28年6月3日（金）までに御回答ください。\n"
        "\n"
        "　　　　　　　　　　　　　　　　　　記\n"
        "\n"
        "■ 本日期限　1件\n"
        "\n"
        "1　独自利用条例の制定\n"
        "　　期限：本日、平成28年6月3日（金）まで\n"
        "　　提出する資料：議事録、条例案\n"
        "　　計画上の時期：平成28年6月上旬\n"
        "　　根拠：番号法第9条第2項\n"
        "\n"
        "■ 回答の方法\n"
        "　このメールに返信して、総務課へお知らせください。\n"
        "　・完了しているとき\n"
        "　　　「完了した（文書番号）」\n"
        "　・期限に間に合わないとき\n"
        "　　　「期限内の完了は困難（見込みの日）」\n"
        "　氏名や個人番号などの個人情報は、返信に書かないでください。\n"
        "\n"
        "　　　　　　　　　　　　　　　　　　　　　　　　　　　　　　　　　以上\n"
        "\n"
        "----------------------------------------\n"
        "問合せ先：石巻市　総務課\n"
        "電子メール：kijitsu@city.example\n"
        "このお知らせは、期日管理システム「期日」が自動で作成し、送信しています。"
    )


def test_a_second_reminder_asks_pardon_for_an_answer_that_crossed_it() -> None:
    late = item(Topic.AFTER, due=date(2016, 5, 27), working_days_left=-5, count=2)

    text = RENDER(letter(late)).text

    assert "お疲れさまです。総務課です。\n" in text
    assert "再度のお知らせです。\n既に御回答いただいているなど、行き違いの場合は御容赦ください。\n" in text
    assert "　　期限：平成28年5月27日（金）（5開庁日超過）\n　　お知らせ：期限後2回目\n" in text


def test_a_first_reminder_does_not_ask_pardon() -> None:
    late = item(Topic.AFTER, due=date(2016, 6, 2), working_days_left=-1, count=1)

    text = RENDER(letter(late)).text

    assert "標記の件は、期限を過ぎています。状況を速やかに御回答ください。" in text
    assert "行き違い" not in text


def test_a_blocked_item_says_why_and_what_it_holds_up() -> None:
    blocked = item(
        Topic.BLOCKED,
        reasons=("「評価書の公表」が期限を過ぎても完了していません。", "「庁内テスト」の有効期限が切れました。"),
        holds_up=("連携テスト", "情報連携の開始"),
    )

    text = RENDER(letter(blocked)).text

    assert (
        "■ 停止　1件\n"
        "　前提となる項目が整うまで、始めることも完了とすることもできません。\n"
        "\n"
        "1　独自利用条例の制定\n"
        "　　期限：平成28年6月10日（金）まで（あと5開庁日）\n"
        "　　理由：「評価書の公表」が期限を過ぎても完了していません。\n"
        "　　　　　「庁内テスト」の有効期限が切れました。\n"
        "　　あわせて進められないもの：「連携テスト」「情報連携の開始」\n"
    ) in text
    assert "回答の方法" not in text
    assert "お尋ねは、このメールに返信して、総務課へお寄せください。" in text


def test_the_day_that_successors_need_speaks_before_the_deadline() -> None:
    early = item(due=date(2016, 6, 30), latest_safe=date(2016, 6, 10), working_days_left=5)

    text = RENDER(letter(early)).text

    assert "標記の件について、平成28年6月10日（金）までに御回答ください。" in text
    assert (
        "　　期限：後続の都合により平成28年6月10日（金）までに完了が必要\n"
        "　　　　　（あと5開庁日）\n"
        "　　　　　本来の期限は平成28年6月30日（木）\n"
    ) in text


def test_a_missed_day_of_successors_is_told_as_missed() -> None:
    missed = item(Topic.AFTER, due=date(2016, 6, 1), latest_safe=date(2016, 5, 27), working_days_left=-5)

    text = RENDER(letter(missed)).text

    assert "　　期限：後続の都合により平成28年5月27日（金）までに完了が必要でした\n　　　　　（5開庁日超過）\n" in text


def test_a_long_list_of_what_is_held_up_is_cut() -> None:
    blocked = item(Topic.BLOCKED, holds_up=tuple("甲乙丙丁戊己庚"))

    wording = RENDER(letter(blocked))

    assert "あわせて進められないもの：「甲」「乙」「丙」「丁」「戊」ほか2件\n" in wording.text
    assert "あわせて進められないもの：「甲」「乙」「丙」「丁」「戊」ほか2件" in runs(wording.card)


def test_a_deadline_before_the_one_of_successors_speaks_for_itself() -> None:
    text = RENDER(letter(item(latest_safe=date(2016, 6, 30)))).text

    assert "　　期限：平成28年6月10日（金）まで（あと5開庁日）\n" in text
    assert "後続" not in text


def test_without_any_date_the_wording_of_the_plan_stands_for_the_deadline() -> None:
    text = RENDER(letter(item(due=None, window="29年7月～（調整中）", working_days_left=None))).text

    assert "標記の件について、状況を御回答ください。" in text
    assert "　　期限：29年7月～（調整中）\n" in text
    assert "計画上の時期" not in text


def test_a_copy_says_that_somebody_else_answers() -> None:
    copy = item(Topic.AFTER, owner="情報システム課", answers_for=False, due=date(2016, 6, 1), working_days_left=-2)

    wording = RENDER(letter(copy))

    for said in (unfolded(wording.text), Page(wording.html).text, "".join(runs(wording.card))):
        assert "ほかの担当が回答する項目について、参考としてお知らせします。市民課からの御回答は不要です。" in said
        assert "参考（写し）" in said
        assert "回答する担当" in said
        assert "情報システム課" in said
        assert "【期限超過】独自利用条例の制定" in said
        assert "回答の方法" not in said


def test_whoever_answers_for_another_body_reads_its_name() -> None:
    text = RENDER(letter(item(owner="水道企業団"), recipient_title="総務課")).text

    assert "1　独自利用条例の制定\n　　担当：水道企業団\n" in text


def test_the_secretariat_is_not_told_to_write_to_itself() -> None:
    text = RENDER(letter(item(Topic.BLOCKED), recipient_title="総務課")).text

    assert "お疲れさまです。\n" in text
    assert "お尋ねは" not in text


def test_sections_come_in_the_order_of_urgency_and_numbers_run_through() -> None:
    mixed = [
        item(Topic.UNBLOCKED, title="己"),
        item(Topic.BEFORE, title="戊", due=date(2016, 6, 20)),
        item(Topic.BEFORE, title="丁", due=date(2016, 6, 10)),
        item(Topic.ON_DAY, title="丙", due=FRIDAY),
        item(Topic.AFTER, title="乙", due=date(2016, 6, 1)),
        item(Topic.BLOCKED, title="甲"),
        item(Topic.BEFORE, title="写", answers_for=False),
        item(Topic.MOVED, title="変"),
        item(Topic.REJECTED, title="戻"),
    ]

    wording = RENDER(letter(*mixed))

    numbered = re.findall(r"^(■ \S+|\d+　\S+)", wording.text, re.MULTILINE)
    assert numbered == [
        "■ 証拠の差戻し", "1　戻",
        "■ 停止", "2　甲",
        "■ 期限超過", "3　乙",
        "■ 本日期限", "4　丙",
        "■ 期限が近い項目", "5　丁", "6　戊",
        "■ 日程変更", "7　変",
        "■ 停止の解除", "8　己",
        "■ 参考（写し）", "9　【期限間近】写",
        "■ 回答の方法",
    ]  # fmt: skip
    assert "最も早い期限は本日、平成28年6月3日（金）です。それぞれの期限までに御回答ください。" in unfolded(
        wording.text
    )
    assert "「1番、完了した（文書番号）」" in wording.text
    assert "「1番、期限内の完了は困難（見込みの日）」" in wording.text


def test_a_person_is_addressed_as_one() -> None:
    assert RENDER(letter(item(), recipient_title="総務部長")).text[:7] == "総務部長　様\n"


def test_a_letter_about_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        RENDER(letter())


# --- the page ---


def test_the_page_is_of_headings_and_tables_with_captions_and_row_headings() -> None:
    page = Page(RENDER(letter(item(), item(Topic.BLOCKED, reasons=("理由です。",)))).html)

    assert page.tags.count("h1") == 1
    assert page.tags.count("h2") == 3  # 停止, 期限が近い項目, 回答の方法
    assert page.tags.count("table") == page.tags.count("caption") == 2
    assert page.tags.count("tr") == page.tags.count("th")
    assert "停止　1件" in page.text


def test_the_page_loads_nothing_and_links_nowhere() -> None:
    html = RENDER(letter(item())).html

    assert '<html lang="ja">' in html
    assert not {"a", "img", "script", "link", "style", "iframe", "form"} & set(Page(html).tags)
    assert "://" not in html
    assert "url(" not in html


# --- the card ---


def test_the_card_is_of_plain_runs_and_tells_the_way_to_answer() -> None:
    card = RENDER(letter(item(Topic.ON_DAY, due=FRIDAY))).card

    shown = runs(card)
    assert json.loads(card)["type"] == "AdaptiveCard"
    assert json.loads(card)["version"] == "1.4"
    assert shown[0] == "【重要・本日期限】「独自利用条例の制定」について（照会）"
    assert "期限：本日、平成28年6月3日（金）まで" in shown
    assert "このカードには返信せず、総務課（kijitsu@city.example）へメールでお知らせください。" in shown


def test_a_card_of_sixty_items_stays_within_what_teams_takes_and_tells_how_many_it_left_out() -> None:
    long = item(Topic.BLOCKED, title="長い題名" * 40, reasons=("長い理由" * 60,) * 5, holds_up=("先の項目" * 20,) * 9)

    card = RENDER(letter(*[long] * 30, *[item()] * 30)).card

    assert len(json.dumps(json.loads(card))) < 28_000
    assert len(card.encode("utf-16-le")) < 28_000
    shown = sum(bool(re.match(r"\d+　", text)) for text in runs(card))
    assert shown > 0
    assert f"ほか{60 - shown}件。全てはメールを御覧ください。" in runs(card)


# --- hostile values ---

HOSTILE = "<script>alert(\"x\")</script>\r\nBcc: a@b.example\u202e [押す](http://evil.example) '{{ app_body }}' \\"
TOLD = "<script>alert(\"x\")</script> Bcc: a@b.example [押す](http://evil.example) '{{ app_body }}' \\"


def test_a_hostile_title_stays_text_everywhere() -> None:
    wording = RENDER(letter(item(title=HOSTILE)))

    page = Page(wording.html)
    assert wording.subject == f"【6月10日期限】「{TOLD[:59]}…」について（照会）"
    assert re.search(rf"^1　{re.escape(TOLD[:20])}", wording.text, re.MULTILINE)
    assert "script" not in page.tags
    assert TOLD in page.cells
    assert f"1　{TOLD}" in runs(wording.card)


ANY_TEXT = st.text(max_size=80)


@settings(max_examples=60, deadline=None)
@given(title=ANY_TEXT, reason=ANY_TEXT, window=ANY_TEXT, owner=ANY_TEXT, recipient=ANY_TEXT, copy=st.booleans())
def test_no_value_ever_becomes_markup(
    title: str, reason: str, window: str, owner: str, recipient: str, copy: bool
) -> None:
    def told(*texts: str) -> Letter:
        values = dict(zip(("title", "window", "owner"), texts[:3], strict=True))
        return letter(
            item(Topic.BLOCKED, answers_for=not copy, reasons=(texts[3],), **values), recipient_title=texts[4]
        )

    wording = RENDER(told(title, window, owner, reason, recipient))
    harmless = RENDER(told("題", "時期" if window.strip() else "", "課" if owner != recipient else "市", "理由", "市"))

    assert set(Page(wording.html).tags) <= set(Page(harmless.html).tags) | {"br"}
    assert len(wording.subject.splitlines()) == 1
    assert runs(wording.card)


def test_a_deadline_with_a_time_of_day_says_it() -> None:
    own = RENDER(letter(item(due_at=time(17, 15))))
    successors = RENDER(letter(item(due_at=time(12), latest_safe=date(2016, 6, 8))))

    for text in (own.text, Page(own.html).text, "".join(runs(own.card))):
        assert "平成28年6月10日（金）17時15分まで" in text
    assert "平成28年6月8日（水）まで" in successors.text
    assert "本来の期限は平成28年6月10日（金）12時" in successors.text
