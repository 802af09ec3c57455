"""週次報告: whoever is owed a report gets it though the morning had no watch, and the page is there to print."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from prefect.artifacts import Artifact

from flows.report import report
from kijitsu.services import ledger
from kijitsu.services.watching import watch
from tests.acceptance.support import body, read_mail
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]


def test_the_weeks_report_is_written_and_sent_where_the_watch_of_the_morning_did_not_happen(morning: Prepare) -> None:
    today = morning(None, date(2016, 4, 4))
    before = today.letters()

    first = report(return_state=True)
    second = report(return_state=True)

    said = "平成28年4月4日（月）: 番号制度推進本部事務局（週報）"
    assert [(each.name, each.message) for each in (first, second)] == [("報告済み", said)] * 2
    assert ledger.last_pass(today.office, "fy28") == date(2016, 4, 4)
    sent = [read_mail(path.read_bytes()) for path in today.letters()[len(before) :]]
    assert len(sent) == len({mail["To"] for mail in sent})
    [weekly] = [mail for mail in sent if "監査記録の控え" in body(mail, "plain")]
    assert "bangou-jimukyoku" in weekly["To"]


def test_the_page_says_where_the_plan_stands_on_a_day_without_a_report(morning: Prepare) -> None:
    today = morning("fy28-late-pia", date(2016, 7, 13))
    watch(today.office, "fy28")

    state = report(return_state=True)

    assert (state.name, state.message) == ("報告なし", "平成28年7月13日（水）: 今日の報告はありません")
    page = Artifact.get("fy28-weekly")
    assert page
    lines = str(page.data).splitlines()
    assert lines[0] == "# 週報 平成28年7月13日（水）"
    assert "## 対応の要るもの 1件" in lines
    [matter] = [line for line in lines if line.startswith("| 期限超過 | 特定個人情報保護評価書の再評価 | 総務課 |")]
    assert "総務課が「特定個人情報保護評価書の再評価」を完了し、報告すれば、この原因は解けます。" in matter
    assert lines[lines.index("## 監査記録の控え") + 2].split("番")[0].isdecimal()
