"""Letters for tests, and how their wordings are read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

from kijitsu.messages import Item, Letter, Topic

FRIDAY = date(2016, 6, 3)
LINK = "https://kijitsu.city.example/answer/token.AbC-123_x"


def item(topic: Topic = Topic.BEFORE, **changed: Any) -> Item:
    """An item of the recipient's own, due in a week."""
    due, window = date(2016, 6, 10), "平成28年6月上旬"
    usual = Item(topic, "ordinance", "独自利用条例の制定", "市民課", True, due, window, None, working_days_left=5)
    return replace(usual, **changed)


def letter(*items: Item, **changed: Any) -> Letter:
    """A letter from 総務課 to 市民課, on Friday 3 June 2016."""
    plan, contact = ("fy28", "平成28年度 社会保障・税番号制度 対応計画"), ("総務課", "kijitsu@city.example")
    usual = Letter("石巻市", *plan, FRIDAY, "residents", "市民課", False, items, *contact)
    dated = replace(usual, municipality_code="042021", revision=3, changed_at=datetime(2016, 6, 1, 9, tzinfo=UTC))
    return replace(dated, **changed)


def full(topic: Topic, **changed: Any) -> Item:
    """An item that says something in every field."""
    return item(
        topic,
        **{
            "basis": "番号法第9条第2項",
            "evidence": ("議事録", "条例案"),
            "reasons": ("「評価書の公表」が完了していません。",),
            "holds_up": ("連携テスト", "情報連携の開始"),
            "was": date(2016, 6, 7),
            "was_window": "平成28年6月初め",
            "cause": "協議が整わないため。",
            "estimate": date(2016, 6, 24),
            "valid_until": date(2016, 6, 30),
            "is_earliest": True,
            "count": 2,
            "link": LINK,
            **changed,
        },
    )


class Page(HTMLParser):
    """The tags, attributes and text of a page, as a mail program reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.cells.append(data)

    @property
    def text(self) -> str:
        return "".join(self.cells)

    def values(self, attribute: str) -> list[str | None]:
        """Return every value of an attribute, in order."""
        return [value for name, value in self.attributes if name == attribute]


def runs(card: str) -> list[str]:
    """Return every text that a card shows; fail where one is not a plain run."""

    def walk(node: Any) -> list[str]:
        match node:
            case {"type": "TextRun", "text": str(text)}:
                return [text]
            case {"type": "ActionSet"}:
                return []
            case {"type": "AdaptiveCard" | "Container" | "RichTextBlock"}:
                return [
                    text
                    for part in (*node.get("body", ()), *node.get("items", ()), *node.get("inlines", ()))
                    for text in walk(part)
                ]
        raise AssertionError(node)

    return walk(json.loads(card))


def buttons(card: str) -> list[tuple[str, str]]:
    """Return the title and address of every button of a card."""

    def walk(node: Any) -> list[tuple[str, str]]:
        match node:
            case {"type": "Action.OpenUrl", "title": str(title), "url": str(url)}:
                return [(title, url)]
            case dict():
                return [found for value in node.values() for found in walk(value)]
            case list():
                return [found for value in node for found in walk(value)]
        return []

    return walk(json.loads(card))


def unfolded(text: str) -> str:
    """Return plain text without its line breaks and indents."""
    return "".join(line.strip() for line in text.splitlines())
