"""The review of conflicts as lines of text, for any size from 40 x 16 up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.text import Text

from bridge.console.diff import Piece, compare
from bridge.console.layout import (
    ALARM,
    ASKS,
    DIM,
    SIDE_NAME,
    SIDE_STYLE,
    columns,
    count,
    either,
    paragraph,
    right,
    rule,
    shown,
    shown_key,
    spread,
    tail,
)
from bridge.console.reviewing import Review, Scope, state_words
from bridge.engine.cases import RESOLVING, UNDONE, Case
from bridge.model import FieldValue, Side, Unfit

RULES = {
    "last-writer": "the later edit wins",
    "tie": "the times of the edits overlap, and a tie goes to this side",
    "policy": "the policy of this sync",
    "first-sync": "both sides differed when they first met",
    "direction": "the field is carried one way only",
    "edit-survives": "a deletion does not win against an edit",
    "deletion-rejected": "the deletion was rejected",
    "manual": "the policy is to ask",
    "undo": "a change was put back",
    "edited-while-written": "the page was edited while the bridge wrote to it",
    "edited-while-deleted": "the page was edited while the bridge trashed it",
    "deleted-with-page": "the row was deleted with its page, which may never have shown this",
    "changed-by-database": "the database made something else of what was written",
}
_NARROW = 60  # cells; in fewer a line of the list has no room for values
_LABEL = 13
_BEFORE_MAX = 400  # characters of the value before; the two that differ are what is to be read
_SPAN_SHOWN_S = 0.05  # an interval that is narrower is shown as one moment
_LEAVE = (("?", "help"), ("q", "back"))
_DIFFERS = "bold underline"
_RULER = Console(width=80, color_system=None)  # folds lines, prints nothing


def render_review(review: Review, width: int, height: int) -> RenderableType:
    """The screen in exactly `height` lines of at most `width` cells."""
    case = review.case
    top = [*_title(review, width)]
    bottom = _bottom(review, width)
    room = max(0, height - len(top) - len(bottom))
    if case is None:
        words = "No conflicts: both sides agree, or changed different things."
        middle = [Text(""), *paragraph(words, "green", width)]
    elif review.open:
        middle = _case(review, case, width, room)
    else:
        middle = _list(review, width, room)
    filler = [Text("")] * max(0, room - len(middle))
    lines = [*top, *middle[:room], *filler, *bottom][:height]
    for line in lines:
        line.no_wrap = True
        line.overflow = "ellipsis"
    return Group(*lines)


def _title(review: Review, width: int) -> list[Text]:
    waiting = sum(case.waits for case in review.cases)
    words = f"{waiting:,} to decide, {len(review.cases) - waiting:,} decided"
    if review.open and review.case is not None:
        words = f"#{review.case.id}, {review.place + 1:,} of {len(review.cases):,}"
    return [spread(Text(" Conflicts", "bold"), Text(f"{words} ", DIM), width), rule(width)]


# The list


def _list(review: Review, width: int, room: int) -> list[Text]:
    first = max(0, min(review.place - room // 2, len(review.cases) - room))
    shown_ones = enumerate(review.cases[first : first + room], first)
    return [_row(case, number == review.place, width) for number, case in shown_ones]


def _row(case: Case, marked: bool, width: int) -> Text:
    state = _state(case)
    if width < _NARROW:
        what = f"#{case.id} {_name(case)} · {shown(case.field) if case.field else 'the record'}"
        line = spread(Text(f"{'›' if marked else ' '} {what}"), Text.assemble(state, " "), width)
        return Text.assemble(line, style="bold") if marked else line
    ends = max(16, state.cell_len + 2)
    name, field = max(16, width // 5), max(10, width // 8)
    room = max(4, width - 9 - name - field - ends)
    values = either(case.values[Side.POSTGRES], case.values[Side.NOTION], room - 1)
    line = columns(
        [
            (Text("›" if marked else " ", "bold"), 2),
            (Text(f"#{case.id}", DIM), 7),
            (Text(_name(case)), name),
            (Text(shown(case.field) if case.field else "the record"), field),
            (values, room),
            (right(state, ends - 1), ends),
        ]
    )
    if marked:
        line.stylize("bold")
    return line


def _state(case: Case) -> Text:
    """In a few words: which value it is that is being written is told where there is room."""
    words = "being written" if case.state == RESOLVING and case.take != UNDONE else state_words(case)
    return Text(words, ASKS if case.waits else DIM)


def _name(case: Case) -> str:
    return shown(case.title) if case.title else shown_key(case.key)


# One conflict


def _case(review: Review, case: Case, width: int, room: int) -> list[Text]:
    head = _head(case, width)
    foot = [Text(""), *_verdict(case, width), *_since(case, width)]
    values = _values(case, width)
    left = max(1, room - len(head) - len(foot))
    scroll = min(review.scroll, max(0, len(values) - left))
    seen = values[scroll : scroll + left]
    if scroll + left < len(values):
        seen[-1] = Text(f" ↓ {count(len(values) - scroll - left + 1, 'more line')}", DIM)
    return [*head, *seen, *foot]


def _head(case: Case, width: int) -> list[Text]:
    record = Text(f" {_name(case)}", "bold")
    place = Text(f"{shown(case.sync)} {shown_key(case.key)} ", DIM)
    field = Text(f" {shown(case.field) if case.field else 'the whole record'}", "bold")
    recorded = Text(f"recorded {_time(case.at)} ", DIM)
    lines = [spread(record, place, width)]
    if case.url:
        lines.append(Text(f" {case.url}", f"{DIM} underline"))
    return [*lines, Text(""), spread(field, recorded, width), Text("")]


def _values(case: Case, width: int) -> list[Text]:
    ours, theirs = compare(case.values[Side.POSTGRES], case.values[Side.NOTION])
    lines = _labelled(Text(" before", DIM), Text(shown(case.base, _BEFORE_MAX), DIM), width)
    for side, pieces in ((Side.POSTGRES, ours), (Side.NOTION, theirs)):
        label = Text(f" {SIDE_NAME[side]}", SIDE_STYLE[side])
        lines += _labelled(label, _value(case.values[side], pieces, side), width)
        lines += _labelled(Text(""), Text(_who(case, side), DIM), width)
    return lines


def _value(value: FieldValue, pieces: Sequence[Piece], side: Side) -> Text:
    text = Text()
    for piece in pieces:
        style = DIM if piece.note else f"{_DIFFERS} {SIDE_STYLE[side]}" if piece.differs else ""
        text.append(piece.text, style)
    if isinstance(value, Unfit):
        text.append(f"  ({shown(value.reason)})", DIM)
    return text


def _labelled(label: Text, value: Text, width: int) -> list[Text]:
    """A value of as many lines as it needs, beside its label."""
    folded = value.wrap(_RULER, max(10, width - _LABEL - 1), overflow="fold")
    lines = []
    for number, part in enumerate(folded):
        start = label.copy() if number == 0 else Text()
        start.truncate(_LABEL, overflow="ellipsis", pad=True)
        lines.append(Text.assemble(start, part))
    return lines


def _who(case: Case, side: Side) -> str:
    """Who gave the field that value, and when, as exactly as that is known."""
    earliest, latest = case.when[side]
    when = "at an unknown time"
    if earliest is not None and latest is not None:
        narrow = (latest - earliest).total_seconds() < _SPAN_SHOWN_S
        first = _time(earliest, case.at)
        when = first if narrow else f"between {first} and {_time(latest, earliest)}"
    who = f"by {shown(case.who[side])}, " if case.who[side] else ""
    won = "won · " if case.winner is side else ""
    return f"{won}{who}{when}"


def _time(moment: datetime, beside: datetime | None = None) -> str:
    """In the zone of the person who looks; without the day where `beside` stands for the same one."""
    local = moment.astimezone()
    same_day = beside is not None and beside.astimezone().date() == local.date()
    return local.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")


def _verdict(case: Case, width: int) -> list[Text]:
    rule_words = RULES.get(case.rule, shown(case.rule))
    if case.waits:
        return paragraph(f"Both sides keep their own value until you decide: {rule_words}.", ASKS, width)
    if case.winner is None or not case.to_decide:
        words = state_words(case)
        return paragraph(f"{words[:1].upper()}{words[1:]}.", "", width)
    return paragraph(f"{SIDE_NAME[case.winner]} won: {rule_words}.", "", width)


def _since(case: Case, width: int) -> list[Text]:
    """What the sides hold now, where that is none of the values above."""
    lines = []
    for side in case.moved_on:
        words = f"Edited since: {SIDE_NAME[side]} now holds {shown(case.now[side], 300)}. A decision replaces that."
        lines += paragraph(words, ASKS, width)
    return lines


# The foot


def _bottom(review: Review, width: int) -> list[Text]:
    if review.typing is not None:
        # The end of what is typed is where the person is.
        typed = tail(Text(f" new value: {shown(review.typing, 10_000)}▏"), width)
        return [
            rule(width),
            typed,
            *_keys((("Enter", "takes it"), ("Ctrl-U", "empties it"), ("Esc", "leaves it")), width),
        ]
    message = paragraph(review.message, ALARM if review.failed else ASKS, width) or [Text("")]
    return [*message, rule(width), *_offered(review, width)]


def _offered(review: Review, width: int) -> list[Text]:
    case = review.case
    if case is None:
        return _keys((("q", "back"),), width)
    takes: list[tuple[str, str]] = [("p", "PostgreSQL"), ("n", "Notion"), ("b", "before"), ("e", "edit")]
    if (not case.field and review.scope is Scope.ONE) or not case.to_decide:
        takes = []
    keep = (("k", "keep the winner"),) if case.winner is not None and case.to_decide else ()
    about = f"scope: {review.scope}" + ("" if review.scope is Scope.ONE else f" ({len(review.in_scope()):,})")
    scope = (("a", about),) if case.to_decide else ()
    undo = (("u", "undo"),) if review.done else ()
    if review.open:
        return [
            *_keys((*takes, *keep, ("s", "skip")), width),
            *_keys((*scope, *undo, ("l", "list"), *_LEAVE), width),
        ]
    return [*_keys((*takes, *keep), width), *_keys((("Enter", "open"), *scope, *undo, *_LEAVE), width)]


def _keys(keys: Sequence[tuple[str, str]], width: int) -> list[Text]:
    """On as many lines as they need; a key that is cut off cannot be found. One empty line where there are none."""
    lines = [Text()]
    for key, does in keys:
        word = Text.assemble((f" {key}", "bold"), (f" {does}", DIM))
        if lines[-1] and lines[-1].cell_len + 2 + word.cell_len > width:
            lines.append(Text())
        lines[-1] = Text.assemble(lines[-1], "  " if lines[-1] else "", word)
    return lines
