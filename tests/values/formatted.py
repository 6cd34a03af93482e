"""Rich text as the tests draw it, and Notion's answer to what was sent: written from its documentation."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from bridge.values.richtext import Run, atom

USER = "123e4567-e89b-12d3-a456-426614174000"
PAGE = "00000000-0000-4000-8000-000000000001"
PLAIN = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}

# What Markdown gives a meaning to, what it does not, and what cuts badly.
MARKS = [
    "*",
    "**",
    "_",
    "__",
    "~~",
    "~",
    "`",
    "``",
    "$",
    "[",
    "]",
    "(",
    ")",
    "](/x)",
    "](notion:page/",
    "<u>",
    "</b>",
    "\\",
    "!",
]
WORDS = [
    "a",
    "b c",
    "word",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\r",
    "5",
    "snake_case",
    "2*3",
    "😀",
    "é",
    "文字",
    "http://x.y",
    ".",
]
texts = st.lists(
    st.sampled_from(MARKS + WORDS) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4),
    max_size=12,
).map("".join)
marks = st.frozensets(st.sampled_from(["bold", "italic", "strikethrough", "underline", "code"]), max_size=3)
colors = st.sampled_from(["default", "default", "red", "blue_background"])
addresses = st.sampled_from(
    ["", "", "https://x.y/z_(w)*", "https://host", "/relative", "no address", f"notion:user/{USER}", "x:ü`$"]
)
expressions = st.sampled_from(["x^2", "a$b", "\\frac{1}{2}", "\\$", " x", "x\\", "a\nb"])
mentions = st.sampled_from(
    [
        {"type": "user", "user": {"id": USER}},
        {"type": "page", "page": {"id": PAGE}},
        {"type": "date", "date": {"start": "2026-11-22T10:00:00.000+00:00", "end": "2026-11-23T10:00:00.000+00:00"}},
        {"type": "date", "date": {"start": "2026-11-22"}},
        {"type": "custom_emoji", "custom_emoji": {"id": PAGE}},
    ]
)

plain_runs = st.builds(Run, texts, marks, colors, addresses)
equations = st.builds(
    lambda text, look: Run(text, look, atom=atom("equation", {"expression": text})), expressions, marks
)
labels = st.sampled_from(["@Ada", "@", "[x]*", " y ", "`", "$5", "two\nlines"])
mentioned = st.builds(lambda text, look, part: Run(text, look, atom=atom("mention", part)), labels, marks, mentions)
runs = st.lists(plain_runs | plain_runs | equations | mentioned, max_size=6)


def wire(found: list[Run]) -> list[dict[str, Any]]:
    """The runs as Notion would show them."""
    return [_item(run) for run in found if run.text]


def _item(run: Run) -> dict[str, Any]:
    link = {"url": run.link} if run.link else None
    body = json.loads(run.atom) if run.atom else {"type": "text", "text": {"content": run.text, "link": link}}
    looks = PLAIN | dict.fromkeys(run.marks, True) | {"color": run.color}
    return {**body, "annotations": looks, "plain_text": run.text, "href": run.link or None}


def answered(sent: list[dict[str, Any]], named: dict[str, str]) -> list[dict[str, Any]]:
    """What Notion shows of what it was sent; `named` is its text for each mention. Checks what it checks."""
    assert len(sent) <= 100
    answer: list[dict[str, Any]] = []
    for item in sent:
        assert "plain_text" not in item
        assert "href" not in item
        kind = item["type"]
        if kind == "text":
            text = item["text"]["content"]
            assert 0 < len(text.encode("utf-16-le")) <= 4000  # raises when a surrogate pair was cut
        else:
            part = item[kind]
            text = part["expression"] if kind == "equation" else named[json.dumps(part, sort_keys=True)]
        looks = PLAIN | item.get("annotations", {})
        link = item["text"].get("link") if kind == "text" else None
        answer.append({**item, "annotations": looks, "plain_text": text, "href": link and link["url"]})
    return answer
