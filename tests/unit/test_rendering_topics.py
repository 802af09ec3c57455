"""What a letter says of each topic, in both languages and all forms, and how it is answered."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from kijitsu.messages import Item, Topic, Wording
from notifications.folding import COLUMNS
from notifications.render import LANGUAGES, LetterRenderer
from tests.unit.letters import FRIDAY, LINK, Page, buttons, full, item, letter, runs, unfolded

RENDER = LetterRenderer()
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")


def wording(*items: Item, **changed: Any) -> Wording:
    return RENDER(letter(*items, **changed))


def forms(said: Wording) -> list[str]:
    """Return what a reader sees of each form, without line breaks in the text."""
    return [unfolded(said.text), Page(said.html).text, " ".join(runs(said.card))]


# --- every topic, both languages ---


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_request", [False, True])
@pytest.mark.parametrize("answers_for", [True, False])
@pytest.mark.parametrize("topic", Topic)
def test_every_topic_has_all_forms_with_much_or_little_to_say(
    topic: Topic, answers_for: bool, is_request: bool, language: str
) -> None:
    bare = item(topic, due=None, window="", working_days_left=None, answers_for=answers_for)
    for each in (
        full(topic, answers_for=answers_for),
        bare,
        replace(bare, due=date(2016, 5, 2)),
        item(topic, due=FRIDAY),
    ):
        for items in ((each,), (each, each, item(Topic.UNBLOCKED))):
            said = wording(*items, language=language, is_request=is_request)

            assert said.subject == " ".join(said.subject.split()) != ""
            assert Page(said.html).values("lang")[0] == json.loads(said.card)["lang"] == language
            for form in forms(said):
                assert "独自利用条例の制定" in form
                assert "None" not in form
                assert "{" not in form


@pytest.mark.parametrize("topic", Topic)
def test_an_english_letter_has_japanese_only_where_the_plan_speaks(topic: Topic) -> None:
    said = wording(full(topic, due_at=time(17, 15)), language="en")

    # In the page it is marked as Japanese, for screen readers, but for the subject and the name of a button.
    body = said.html.partition("<body")[2]
    rest = re.sub(r'<(\w+) lang="ja"[^>]*>[^<]*</\1>|<h1.*</h1>|aria-label="[^"]*"', "", body)
    assert [line for line in re.sub("<[^>]+>", "\n", rest).splitlines() if JAPANESE.search(line)] == []
    assert not JAPANESE.search(re.sub("「.*?」", "", said.subject))


def test_english_dates_are_written_out() -> None:
    said = wording(item(due_at=time(17, 15)), language="en")

    assert said.subject == "[Due 10 June] 「独自利用条例の制定」 (inquiry)"
    assert "Please answer about the matter above by Friday 10 June 2016." in said.text
    assert "    Deadline: Friday 10 June 2016, 17:15 (5 working days left)\n" in said.text


def test_an_english_request_to_an_agency_asks_politely() -> None:
    said = wording(item(), language="en", is_request=True)

    assert said.subject.endswith("(request)")
    assert "We would be grateful if you would answer about the matter above by Friday 10 June 2016." in unfolded(
        said.text.replace("\n", " ")
    )
    assert "Please answer" not in said.text


def test_a_language_without_templates_is_refused() -> None:
    with pytest.raises(ValueError, match="language 'fr'"):
        wording(item(), language="fr")


# --- what each topic adds ---


def test_rejected_evidence_is_asked_for_again_with_the_reason() -> None:
    for form in forms(wording(item(Topic.REJECTED, cause="附則がありません。"))):
        assert "提出された証拠をお戻しします。理由を御確認の上、改めて御提出ください。" in form
        assert re.search("差戻しの理由：?\n?附則がありません。", form)
        assert "回答の方法" in form


def test_a_superior_is_asked_to_direct_whoever_owes_it() -> None:
    late = item(
        Topic.ESCALATED, answers_for=False, due=date(2016, 5, 27), working_days_left=-5, holds_up=("連携テスト",)
    )

    said = wording(late, recipient_title="市民部長")

    assert said.text.startswith("市民部長　様\n")
    for form in forms(said):
        assert "お手数をおかけしますが、担当への御指示をお願いいたします。" in form
        assert re.search("担当：?\n?市民課", form)
        assert "平成28年5月27日（金）（5開庁日超過）" in form
        assert "「連携テスト」" in form
        assert "回答の方法" not in form
        assert "御回答ください" not in form


def test_the_secretariat_is_asked_to_decide_on_an_estimate() -> None:
    given = item(
        Topic.ESTIMATE, answers_for=False, estimate=date(2016, 6, 24), cause="協議中のため。", holds_up=("連携テスト",)
    )

    for form in forms(wording(given, recipient_title="総務課")):
        assert "担当から、期限内の完了は困難との申出がありました。" in form
        assert "平成28年6月24日（金）（期限の14日後）" in form
        assert "平成28年6月10日（金）まで（あと5開庁日）" in form
        assert "協議中のため。" in form
        assert "「連携テスト」" in form
    assert "日程の変更、遅れの承認、期限どおりの完了の要請のいずれかを決め、" in wording(given).text


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2016, 6, 30), "平成28年6月30日（木）まで（あと27日）"),
        (FRIDAY, "本日、平成28年6月3日（金）まで"),
        (date(2016, 5, 31), "平成28年5月31日（火）（終了）"),
        (None, "終わりの日は調整中"),
    ],
)
def test_a_validity_that_ends_speaks_of_its_own_day_not_of_a_deadline_met_long_ago(day: date | None, said: str) -> None:
    ending = item(
        Topic.EXPIRING, due=date(2015, 6, 30), working_days_left=-200, valid_until=day, holds_up=("監査資料の提出",)
    )

    text = wording(ending).text

    assert f"　　有効期間：{said}\n" in text
    assert "　　これに基づくもの：「監査資料の提出」\n" in text
    assert "平成27年" not in text


def test_a_moved_date_is_told_before_and_after_and_asks_nothing() -> None:
    moved = item(Topic.MOVED, was=date(2016, 6, 7), was_window="平成28年6月初め", cause="議会の会期が変わったため。")

    said = wording(moved)

    assert (
        "　　変更前：平成28年6月7日（火）\n"
        "　　　　　　平成28年6月初め\n"
        "　　変更後：平成28年6月10日（金）\n"
        "　　　　　　平成28年6月上旬\n"
        "　　変更の理由：議会の会期が変わったため。\n"
    ) in said.text
    assert "御回答は不要です。" in said.text
    assert "回答の方法" not in said.text


def test_a_moved_date_without_a_day_is_told_by_its_window() -> None:
    text = wording(item(Topic.MOVED, due=None, window="平成28年夏", was=None, was_window="")).text

    assert "　　変更前：調整中\n　　変更後：平成28年夏\n" in text


def test_a_day_of_successors_still_speaks_of_what_was_moved() -> None:
    moved = item(Topic.MOVED, was=date(2016, 6, 7), latest_safe=date(2016, 6, 8))

    assert "後続の都合により平成28年6月8日（水）までに完了が必要" in wording(moved).text


def test_a_deadline_that_is_the_earliest_possible_says_so_and_what_to_do() -> None:
    asked = unfolded(wording(item(is_earliest=True)).text)
    own = unfolded(wording(item(is_earliest=True), recipient_title="総務課").text)

    assert "最も早い場合の期限です。起算日が決まりましたら、総務課へお知らせください。" in asked
    assert "最も早い場合の期限です。起算日を確かめて登録してください。" in own


def test_letters_of_several_topics_count_them_in_the_subject() -> None:
    said = wording(item(Topic.REJECTED), item(Topic.ESTIMATE), item(Topic.EXPIRING), item(Topic.MOVED))

    assert said.subject == "【期日のお知らせ】6月3日 4件（差戻し1件・完了困難1件・有効期間1件・日程変更1件）"


# --- links ---


def test_a_link_stands_on_a_line_of_its_own_and_on_a_button_that_says_what_it_opens() -> None:
    said = wording(item(link=LINK))

    page = Page(said.html)
    assert f"　　確認・回答する：\n    {LINK}\n" in said.text
    assert "「確認・回答する」を開いて、御回答ください。\n　このメールへの返信でもお受けします。" in said.text
    assert page.values("href") == [LINK]
    assert page.values("aria-label") == ["確認・回答する：独自利用条例の制定"]
    assert buttons(said.card) == [("確認・回答する", LINK)]


def test_without_a_link_there_is_no_button_and_the_answer_is_a_reply() -> None:
    said = wording(item())

    assert "このメールに返信して、総務課へお知らせください。" in said.text
    assert "確認・回答する" not in said.text
    assert "a" not in Page(said.html).tags
    assert buttons(said.card) == []


@pytest.mark.parametrize(
    "told", [item(Topic.AFTER, answers_for=False), item(Topic.MOVED), item(Topic.ESCALATED), item(Topic.UNBLOCKED)]
)
def test_the_link_of_what_asks_nothing_only_shows(told: Item) -> None:
    said = wording(replace(told, link=LINK))

    assert f"　　内容を確認する：\n    {LINK}\n" in said.text
    assert Page(said.html).values("aria-label") == ["内容を確認する：独自利用条例の制定"]
    assert buttons(said.card) == [("内容を確認する", LINK)]
    assert "確認・回答する" not in said.text


def test_a_card_has_six_buttons_at_the_most_and_says_where_the_other_links_are() -> None:
    said = wording(*[item(link=f"{LINK}{number}") for number in range(8)])

    assert buttons(said.card) == [(f"{number + 1}番を確認・回答する", f"{LINK}{number}") for number in range(6)]
    assert "ほかの項目のリンクは、メールにあります。" in runs(said.card)
    assert Page(said.html).values("href") == [f"{LINK}{number}" for number in range(8)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("title", ["題名", "長い題名" * 40, "𠮷" * 80])
def test_a_card_of_two_hundred_items_with_links_stays_within_what_teams_takes(title: str, language: str) -> None:
    many = [full(Topic.AFTER, title=title, link=f"{LINK}{'x' * 300}") for _ in range(200)]

    card = wording(*many, language=language).card

    assert len(json.dumps(json.loads(card))) < 28_000
    assert len(card.encode("utf-16-le")) < 28_000
    assert 0 < len(buttons(card)) <= 6


# --- plain text ---


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", Topic)
def test_no_line_of_the_text_is_longer_than_a_plain_reader_shows(topic: Topic, language: str) -> None:
    long = full(
        topic, title="とても長い題名" * 12, cause="説明を、" * 40, holds_up=("先の項目" * 5,) * 9, link=LINK * 4
    )

    text = wording(long, item(), language=language).text

    wide = [line for line in text.splitlines() if sum(1 + (ord(c) > 0x2E80) for c in line) > COLUMNS]
    assert [line for line in wide if "://" not in line] == []
    assert LINK * 4 in text.split()


# --- the trial letter ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_trial_letter_says_which_body_and_when_and_asks_nothing(language: str) -> None:
    said = wording(message="test", language=language)

    nothing, day = {
        "ja": ("御対応も御回答も必要ありません。", "平成28年6月3日（金）"),
        "en": ("There is nothing to do and nothing to answer.", "Friday 3 June 2016"),
    }[language]
    for form in forms(said):
        assert nothing in form
        assert "市民課" in form
        assert day in form
        assert "石巻市" in form
    assert (
        said.subject
        == {
            "ja": "【試験送信】期日のお知らせが届くことの確認（通知）",
            "en": "[Test] Letters about deadlines reach this address (notice)",
        }[language]
    )
    assert said.calendar == ""


def test_a_trial_letter_needs_no_plan() -> None:
    for form in forms(wording(message="test", plan="", plan_title="")):
        assert "計画" not in form


# --- hostile values ---

SCRIPT = '<script>alert("x")</script>&amp;\r\nBcc: a@b.example [押す](http://evil.example) {{ 7 * 7 }}'


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", Topic)
@pytest.mark.parametrize("answers_for", [True, False])
def test_a_script_stays_text_in_every_field(topic: Topic, answers_for: bool, language: str) -> None:
    words = dict.fromkeys(("title", "owner", "window", "was_window", "cause", "basis"), SCRIPT)
    lists = dict.fromkeys(("reasons", "holds_up", "evidence"), (SCRIPT,))
    offices = dict.fromkeys(("recipient_title", "contact_title", "contact_mail"), SCRIPT)
    titles = {**offices, "municipality": SCRIPT, "plan_title": SCRIPT}
    hostile = full(topic, answers_for=answers_for, due=None, **words, **lists)

    for said in (
        wording(hostile, language=language, **titles),
        wording(full(topic, title=SCRIPT), hostile, language=language, **titles),
        wording(message="test", language=language, **titles),
    ):
        page = Page(said.html)
        assert not {"script", "img", "iframe", "style", "link", "form"} & set(page.tags)
        assert set(page.values("href")) <= {LINK}
        assert '<script>alert("x")</script>&amp; Bcc: a@b.example' in page.text
        assert "\n" not in said.subject
        assert "\r" not in said.text + said.html + said.card
        assert not re.search(r"^\s*Bcc:", said.text, re.MULTILINE)
        assert "{{ 7 * 7 }}" in "".join(runs(said.card))


def test_a_link_cannot_leave_its_attribute() -> None:
    page = Page(wording(item(link='https://kijitsu.city.example/"><script>x</script>')).html)

    assert page.values("href") == ['https://kijitsu.city.example/"><script>x</script>']
    assert "script" not in page.tags
