"""A View as lines of text, for any size from 60 x 16 up."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

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
    seconds_text,
    shown,
    shown_key,
    spread,
)
from bridge.console.progress import Progress
from bridge.console.view import ChangeView, ConflictView, ParkedView, RateView, State, SyncView, View
from bridge.model import Side

_STATE_STYLE = {
    State.IN_STEP: "green",
    State.WORKING: "cyan",
    State.READING: "cyan",
    State.ASKING: ASKS,
    State.DOWN: ASKS,
    State.PAUSED: ASKS,
    State.STOPPED: ALARM,
}
_OP_WORD = {
    ("create", Side.NOTION): "new page",
    ("create", Side.POSTGRES): "new row",
    ("delete", Side.NOTION): "page to the trash",
    ("delete", Side.POSTGRES): "row deleted",
    ("restore", Side.NOTION): "page restored",
    ("restore", Side.POSTGRES): "row restored",
}
_BAR = 24
_LEAST = 4  # lines that notes leave to the changes and to what waits: a blank, a title, and two of them
_WIDE = 100  # a line has room for more than the facts
_SPARKS = "▁▂▃▄▅▆▇█"


def render(view: View, width: int, height: int) -> RenderableType:
    """The dashboard in exactly `height` lines of at most `width` cells."""
    bottom = [Text(""), _rate_line(view, width), _keys_line(view, width)]
    title, sides, trouble = _title(view, width), _sides(view, width), _trouble(view, width)
    room = height - len(bottom) - len(title) - len(sides) - len(trouble)
    top = [*title, *_notes(view, width, room - _LEAST), *sides, *trouble]
    if room < 0:  # what stops a sync comes before what is only good to know
        top = [*title, *trouble[1:], *sides]
    top = top[: max(0, height - len(bottom))]
    room = max(0, height - len(top) - len(bottom))
    middle = _sections(view, width, room)[:room]
    filler = [Text("")] * max(0, room - len(middle))
    lines = [*top, *middle, *filler, *bottom][:height]
    for line in lines:
        line.no_wrap = True
        line.overflow = "ellipsis"
    return Group(*lines)


def farewell(view: View) -> RenderableType:
    """What stays on the ordinary screen when the dashboard is gone."""
    lines = [
        Text.assemble(
            (f"{shown(sync.name)}: ", "bold"),
            f"{count(sync.rows, 'row')}, {count(sync.pages, 'page')}, ",
            (sync.state.value, _STATE_STYLE[sync.state]),
        )
        for sync in view.syncs
    ]
    return Group(*lines)


def _title(view: View, width: int) -> list[Text]:
    state = Text.assemble(("● ", _STATE_STYLE[view.state]), (view.state.value, _STATE_STYLE[view.state]))
    clock = Text(view.at.strftime("  %H:%M:%S"), DIM)
    line = spread(Text(" notion-bridge", "bold"), Text.assemble(state, clock, " "), width)
    return [line, rule(width)]


def _notes(view: View, width: int, room: int) -> list[Text]:
    """As many as there is room for: the last ones give way."""
    lines = []
    for label, text in view.notes[: max(0, room - 1)]:
        lines.append(columns([(Text(f" {shown(label)}", DIM), 13), (Text(shown(text, 400)), width - 13)]))
    return [*lines, rule(width)] if lines else []


def _sides(view: View, width: int) -> list[Text]:
    """Both sides in full for one sync; a line each for several."""
    if len(view.syncs) == 1:
        sync = view.syncs[0]
        lines = [
            _side_line(Side.POSTGRES, sync.table, count(sync.rows, "row"), width),
            _side_line(Side.NOTION, sync.data_source, count(sync.pages, "page"), width),
        ]
    else:
        lines = [_sync_line(sync, width) for sync in view.syncs]
    return [*lines, Text(""), _progress_line(view, width)]


def _side_line(side: Side, name: str, count: str, width: int) -> Text:
    label = Text(f" {SIDE_NAME[side]}", SIDE_STYLE[side])
    return columns([(label, 13), (Text(shown(name)), width - 13 - 16), (right(Text(count), 15), 16)])


def _sync_line(sync: SyncView, width: int) -> Text:
    between = Text.assemble(
        (shown(sync.table), SIDE_STYLE[Side.POSTGRES]), " ⇄ ", (shown(sync.data_source), SIDE_STYLE[Side.NOTION])
    )
    counts = Text(f"{sync.rows:,} / {sync.pages:,}")
    words = sync.state.value
    if sync.state is State.WORKING:
        words = f"{sync.pending:,} behind" + ("" if sync.behind is None else f" by {seconds_text(sync.behind)}")
    state = Text(f"● {words}", _STATE_STYLE[sync.state])
    name = Text(f" {shown(sync.name)}", "bold")
    return columns([(name, 16), (between, width - 16 - 15 - 22), (right(counts, 13), 15), (state, 22)])


def _progress_line(view: View, width: int) -> Text:
    progress = view.progress
    if progress is None:
        words = "everything is the same on both sides" if view.state is State.IN_STEP else "nothing is on its way"
        return Text(" reading both sides" if view.state is State.READING else f" {words}", DIM)
    behind = max((sync.behind for sync in view.syncs if sync.behind is not None), default=None)
    words = _progress_words(progress) + ("" if behind is None else f" · behind by {seconds_text(behind)}")
    bar = _bar(progress, _BAR if width >= _WIDE else _BAR // 2)
    whole = Text.assemble(" ", bar, "  ", words)
    return whole if whole.cell_len <= width else Text(f" {words}")


def _progress_words(progress: Progress) -> str:
    words = f"{progress.done:,} of {progress.total:,}"
    if progress.per_second is not None:
        words += f" · {progress.per_second:.1f} per second"
    if progress.seconds_left is not None:
        words += f" · {seconds_text(progress.seconds_left)} left"
    return words


def _trouble(view: View, width: int) -> list[Text]:
    """What stops a sync, and what to type."""
    lines: list[Text] = []
    for sync in view.syncs:
        if sync.breaker:
            lines += paragraph(sync.breaker, ALARM, width)
        if sync.paused:
            todo = f"{sync.name} is paused; to go on: notion-bridge resume --sync {sync.name}"
            lines += paragraph(todo, ASKS, width)
        if sync.error:
            lines += paragraph(sync.error, ASKS, width)
        lines += _suspended(sync, width)
        if sync.down is not None:
            up, down = SIDE_NAME[sync.down.other], SIDE_NAME[sync.down]
            lines += paragraph(f"{down} is tried again by and by; changes in {up} are kept until then.", DIM, width)
    return [Text(""), *lines] if lines else []


def _suspended(sync: SyncView, width: int) -> list[Text]:
    """The fields that wait because their column or property changed; of many only the first."""
    if not sync.suspended:
        return []
    first, more = sync.suspended[0], len(sync.suspended) - 1
    words = f"suspended: {first.field}: {first.reason}. {first.hint}"
    rest = f"{count(more, 'more field')} of {sync.name} suspended: notion-bridge status" if more else ""
    return [*paragraph(words, ASKS, width), *paragraph(rest, ASKS, width)]


def _sections(view: View, width: int, room: int) -> list[Text]:
    """Conflicts and parked items get what they need up to a quarter of the room each; the changes the rest.

    Where that leaves nothing of the changes, what waits is only counted.
    """
    quarter = max(_LEAST, room // 4)
    titles = [_conflicts_title(view)] * bool(view.conflicts) + [_parked_title(view)] * bool(view.parked)
    below = [
        *_section(_conflicts_title(view), [_conflict_line(c, width) for c in view.conflicts], quarter),
        *_section(_parked_title(view), [_parked_line(p, width) for p in view.parked], quarter),
    ]
    if room - len(below) < _LEAST:
        below = list(map(_heading, titles))
    changes = [_change_line(change, width) for change in view.changes]
    left = room - len(below)
    latest = _section(Text("Last changes"), changes, left) or changes[: max(0, left)] or [Text("")]
    return [*latest, *below]


def _section(title: Text, lines: Sequence[Text], room: int) -> list[Text]:
    if not lines or room < 3:  # noqa: PLR2004 - a blank, a title, and something to say
        return []
    return [Text(""), _heading(title), *lines[: room - 2]]


def _heading(title: Text) -> Text:
    return Text.assemble(" ", title, style="bold")


def _conflicts_title(view: View) -> Text:
    waiting = sum(sync.conflicts for sync in view.syncs)
    words = f"{waiting:,} to decide" if waiting else "decided; to change one"
    return Text.assemble("Conflicts ", (f"{words}: notion-bridge conflicts", f"not bold {DIM}"))


def _parked_title(view: View) -> Text:
    waiting = sum(sync.parked for sync in view.syncs)
    return Text.assemble("Parked ", (f"{waiting:,}: notion-bridge parked", f"not bold {DIM}"))


def _change_line(change: ChangeView, width: int) -> Text:
    delay = Text("" if change.delay is None else seconds_text(change.delay), DIM)
    return columns(
        [
            (Text(change.at.strftime(" %H:%M:%S"), DIM), 11),
            (_arrow(change.into), 19),
            (Text(shown_key(change.key)), 9),
            (_what(change), width - 11 - 19 - 9 - 9),
            (right(delay, 8), 9),
        ]
    )


def _arrow(into: Side) -> Text:
    source = into.other
    return Text.assemble((source.value, SIDE_STYLE[source]), (" → ", DIM), (into.value, SIDE_STYLE[into]))


def _what(change: ChangeView) -> Text:
    if change.op != "update":
        values = [shown(new, 40) for _, new in change.changes.values() if new is not None]
        word = _OP_WORD.get((change.op, change.into), change.op)
        return Text.assemble((word, "bold"), f"  {', '.join(values)}" if values else "")
    parts: list[Text] = []
    for name, (old, new) in change.changes.items():
        parts.append(Text.assemble((f"{shown(name)} ", DIM), (shown(old, 40), DIM), (" → ", DIM), shown(new)))
    return Text(", ").join(parts) if parts else Text("key written into the page", DIM)


def _conflict_line(conflict: ConflictView, width: int) -> Text:
    verdict = "waits for you" if conflict.state == "open" else "taken back"
    if conflict.winner:
        verdict = f"{conflict.winner.value} won"
    if conflict.state == "resolving":
        verdict = "being written"
    end = Text.assemble(verdict, (f" ({conflict.rule})" if conflict.winner else "", DIM))
    room = max(14, end.cell_len + 2)
    number, key = Text(f" #{conflict.id}", DIM), Text(shown_key(conflict.key))
    what = Text(f"{shown(conflict.field, width // 4)} " if conflict.field else "the record ", DIM)
    left = width - 16 - room
    values = Text.assemble(what, either(conflict.postgres, conflict.notion, left - what.cell_len - 1))
    return columns([(number, 7), (key, 9), (values, left), (right(end, room - 1), room)])


def _parked_line(item: ParkedView, width: int) -> Text:
    where = Text.assemble(
        (f"{shown(item.field)} " if item.field else "the record ", DIM), (f"into {item.side.value}: ", DIM)
    )
    where.append(shown(item.reason))
    return columns([(Text(f" #{item.id}", DIM), 7), (Text(shown_key(item.key)), 9), (where, width - 16)])


def _rate_line(view: View, width: int) -> Text:
    rate = view.rate
    words = f"{rate.used:,} of {rate.budget:,} requests this minute"
    if rate.blocked > 0:
        words = f"Notion asked for a pause: {seconds_text(rate.blocked)} to go"
    elif rate.budget < rate.configured:
        words += f" (usually {rate.configured:,})"
    style = ASKS if rate.blocked > 0 or rate.used >= rate.budget else DIM
    spent = _sparkline(rate)
    left = Text.assemble(" ", (spent, style), "  " if spent else "", (words, style))
    hint = Text(f"  {_queue_words(rate)} ", DIM)
    return spread(left, hint if left.cell_len + hint.cell_len <= width else Text(), width)


def _sparkline(rate: RateView) -> str:
    """The requests of the last minute, oldest first; full height is an even spending of the budget."""
    even = max(1.0, rate.configured / max(1, len(rate.recent)))
    top = len(_SPARKS) - 1
    return "".join(_SPARKS[min(top, -int(-sent * top // even))] for sent in rate.recent)


def _queue_words(rate: RateView) -> str:
    """What waits to be sent, in the order in which it goes."""
    found = [f"{waiting:,} {name}" for name, waiting in rate.queue.items() if waiting]
    return f"queue: {', '.join(found)}" if found else "nothing waits to be sent"


def _keys_line(view: View, width: int) -> Text:
    """What can be pressed; what was just pressed led to is told in its place."""
    if view.message:
        left = Text(f" {shown(view.message, width)}", ASKS)
    else:
        left = Text("  ").join(Text.assemble((f" {key}", "bold"), (f" {does}", DIM)) for key, does in view.keys)
    look = Text("" if view.next_look is None else f"  {_look_words(view.next_look)} ", DIM)
    return spread(left, look if left.cell_len + look.cell_len <= width else Text(), width)


def _look_words(seconds: float) -> str:
    return f"next look at Notion in {seconds:.0f} s" if seconds >= 1 else "looking at Notion"


def _bar(progress: Progress, width: int) -> Text:
    filled = min(width, round(width * progress.done / max(1, progress.total)))
    return Text.assemble(("━" * filled, "green"), ("─" * (width - filled), DIM))
