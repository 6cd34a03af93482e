"""The scripted demo: a fixed story in ten steps, each verified on both sides, without a person and without luck."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.clock import Clock
from bridge.engine.requests import submit
from bridge.errors import BridgeError
from bridge.journal import Journal
from bridge.sandbox.demo.process import BridgeProcess, CommandFailed
from bridge.sandbox.demo.sides import Sides, words
from bridge.sandbox.demo.story import Story, StoryFailed
from bridge.sandbox.demo.world import FIELDS, KEY_PROPERTY, World
from bridge.sandbox.notion import Request

_KILLED_AT = 12  # creates that have reached Notion when the bridge is killed
_VIOLATIONS = {
    "rate_violation": "requests over the rate limit",
    "noop_patch": "writes that changed nothing",
    "unguarded_patch": "writes without a look before",
}


def tell(world: World, config: Path, console: Console, clock: Clock) -> int:
    """Tells the whole story; 0 only if everything was as it should be."""
    with world.connect() as connection, BridgeProcess(config) as bridge:
        sides = Sides(world, connection)
        script = Script(world, connection, sides, bridge, config, Story(console, clock, sides, bridge.trouble), clock)
        try:
            for step in script.steps:
                step()
        except (StoryFailed, CommandFailed, BridgeError) as failure:
            _explain(failure, sides, bridge, console)
            return 1
        script.summary(console)
    return 0


class Script:
    """The steps, in order; each leaves both sides the same."""

    def __init__(
        self,
        world: World,
        connection: psycopg.Connection[dict[str, Any]],
        sides: Sides,
        bridge: BridgeProcess,
        config: Path,
        story: Story,
        clock: Clock,
    ) -> None:
        self._world = world
        self._connection = connection
        self._sides = sides
        self._bridge = bridge
        self._story = story
        self._clock = clock
        self._journal_path = config.parent / "state" / "bridge.db"
        self._ben = world.sandbox.person("Ben")
        self._records = 0  # that there must be on each side
        self.steps: tuple[Callable[[], None], ...] = (
            self._first_sync,
            self._edits_in_postgres,
            self._edits_in_notion,
            self._different_fields,
            self._same_field,
            self._row_deleted,
            self._page_trashed_and_restored,
            self._killed,
            self._verified,
            self._stopped,
        )

    def _first_sync(self) -> None:
        rows, pages = self._sides.rows(), self._sides.pages()
        both = sum(page.key in rows for page in pages)
        self._records = len(rows) + len(pages) - both
        self._story.step("The first sync: two sides that have never met")
        self._story.did("table", f"{len(rows)} rows, {len(rows) - both} of them without a page")
        self._story.did("Notion", f"{len(pages)} pages, {len(pages) - both} of them without a row")
        self._story.did("bridge", "notion-bridge run")
        self._bridge.start()
        self._expect_agreement("every row has its page, every page its row, every field is equal")
        self._story.check("no conflict: the sides differed in nothing that both knew", not self._conflicts())
        only_in_notion = max(self._sides.rows())
        self._story.show([1, only_in_notion], "title", "stage", "amount", "weighted", "tags")

    def _edits_in_postgres(self) -> None:
        self._story.step("A program writes to the table")
        self._sql("UPDATE deals SET stage = 'Won', signed = true WHERE id = 7")
        self._sql("UPDATE deals SET amount = amount * 1.1, tags = '{emea,urgent}' WHERE id IN (8, 9)")
        self._records += self._sql("INSERT INTO deals (title, amount, chance) VALUES ('Window Seat: pilot', 4200, 25)")
        self._expect_agreement("the pages followed")
        self._story.show([7], "stage", "signed")
        self._story.show([8], "amount", "weighted", "tags")
        self._story.show([max(self._sides.rows())], "title", "stage", "weighted")

    def _edits_in_notion(self) -> None:
        self._story.step("People work in Notion")
        self._edit("Ada", 12, {"Stage": "Proposal", "Close date": "2026-10-15"})
        self._edit("Ben", 13, {"Notes": "They like it 👍 — [bold] plans for spring.", "Signed": True})
        self._add_page("Ada", {"Deal": "Night Train: extension", "Amount": 9_900, "Chance": 50})
        self._expect_agreement("the rows followed; the new page got a key from the table")
        self._story.show([12], "stage", "close_on")
        self._story.show([13], "notes", "signed")
        self._story.show([max(self._sides.rows())], "title", "amount", "weighted")

    def _different_fields(self) -> None:
        self._story.step("One deal, two people, different fields: both edits stay")
        before = self._conflicts()
        self._edit("Ada", 15, {"Stage": "Won"})
        self._sql("UPDATE deals SET amount = 52000 WHERE id = 15")
        self._story.expect("both edits are on both sides", lambda: self._hold(15, stage="Won", amount=52_000))
        self._story.check("no conflict was recorded", self._conflicts() == before)
        self._story.show([15], "stage", "amount", "weighted")

    def _same_field(self) -> None:
        """Paused, the bridge watches but does not write: so both edits surely fall between two syncs."""
        self._story.step("One deal, two people, the same field: a conflict, decided, and decided otherwise")
        known = len(self._conflicts())
        self._ask("pause", syncs=["deals"])
        self._story.did("you", "notion-bridge pause   (so that neither edit can be carried over before the other)")
        self._edit("Ada", 16, {"Amount": 61_000})
        self._story.expect("the bridge has seen Ada's edit", lambda: self._seen_in_notion(16, "amount", 61_000))
        self._sql("UPDATE deals SET amount = 58500 WHERE id = 16")
        self._ask("resume", syncs=["deals"])
        self._story.did("you", "notion-bridge resume")
        self._story.expect("a conflict is recorded", lambda: len(self._conflicts()) == known + 1)
        number, winner, rule = self._conflicts()[-1]
        self._expect_agreement(f"{winner} won ({rule}), and the other value is kept")
        self._story.show([16], "amount", "weighted")
        loser, wanted = ("notion", 61_000) if winner == "postgres" else ("postgres", 58_500)
        self._bridge.command("conflicts", "resolve", str(number), "--take", loser)
        self._story.did("you", f"notion-bridge conflicts resolve {number} --take {loser}")
        self._story.expect("the other value is back, on both sides", lambda: self._hold(16, amount=wanted))
        self._story.show([16], "amount", "weighted")

    def _row_deleted(self) -> None:
        self._story.step("A row is deleted: its page goes to the trash")
        page = self._sides.page(20).id
        self._records -= self._sql("DELETE FROM deals WHERE id = 20")
        self._story.expect("the page is in Notion's trash, not gone for good", lambda: page in self._trash())
        self._expect_agreement("everything else is as it was")

    def _page_trashed_and_restored(self) -> None:
        self._story.step("A page goes to the trash: its row is deleted; it is restored: the row is back")
        deal = 21
        page = self._sides.page(deal)
        self._ben.trash(page.id)
        self._story.did("Ben", f"moves the page of deal {deal} to the trash")
        self._story.expect("the row is gone", lambda: deal not in self._sides.rows())
        self._ben.restore(page.id)
        self._story.did("Ben", "restores it")
        self._story.expect("the row is back", lambda: deal in self._sides.rows())
        self._expect_agreement("with the same key and the same values")
        self._story.check("and it is the very page that it was", self._sides.page(deal).id == page.id)
        self._story.say("(What the bridge never saw, such as the unmapped api_key, went with the row.)")
        self._story.show([deal], "title", "amount")

    def _killed(self) -> None:
        self._story.step("kill -9 in the middle of a backlog, and edits on both sides while the bridge is dead")
        before = len(self._sides.pages())
        self._world.sandbox.faults.hook(self._kill, "POST", r"/pages$", skip=_KILLED_AT)
        backlog = self._sql(
            "INSERT INTO deals (title, amount) SELECT 'Import ' || n, n * 10 FROM generate_series(1, 60) AS n"
        )
        self._records += backlog
        self._story.expect("the bridge is killed while Notion makes a page", lambda: not self._bridge.running)
        self._story.check("by SIGKILL: no clean-up, no last words", self._bridge.wait() == -signal.SIGKILL)
        made = len(self._sides.pages()) - before
        self._story.check(f"{made} of {backlog} pages are there, and nobody was told of the last", made < backlog)
        self._sql("UPDATE deals SET stage = 'Lost' WHERE id IN (2, 3)")
        self._sql("UPDATE deals SET title = title || ' (checked)' WHERE title = 'Import 60'")
        self._edit("Ada", 3, {"Amount": 777})
        self._edit("Ben", 4, {"Source": "Trade fair", "Tags": ["partner", "new tag"]})
        self._add_page("Ada", {"Deal": "While you were out: pilot", "Chance": 10})
        self._bridge.start()
        self._story.did("bridge", "notion-bridge run   (again)")
        self._story.expect("what was edited is carried over", lambda: self._hold(3, stage="Lost", amount=777))
        self._expect_agreement("nothing is lost, nothing is doubled")
        self._story.say("(A create that was under way is looked for until Notion's index can be trusted, then made.)")
        self._story.check("no key was ever created twice", not self._created_twice())
        self._story.show([3], "stage", "amount")
        self._story.show([4], "source", "tags")
        self._story.show([self._key_of("While you were out: pilot")], "title", "chance")

    def _verified(self) -> None:
        self._story.step("The bridge's own proof")
        self._story.did("you", "notion-bridge verify")
        found = self._bridge.json("verify")
        checked = found["syncs"][0]
        counted = f"{checked['rows']} rows, {checked['pages']} pages, {checked['fields']} fields"
        self._story.check(f"verify says: they agree ({counted})", found["agrees"] is True)
        self._story.check("and it counted as we did", checked["rows"] == checked["pages"] == self._records)
        self._story.check("one conflict in all, the one above", len(self._conflicts()) == 1)

    def _stopped(self) -> None:
        self._story.step("The end")
        self._story.did("you", "Ctrl-C")
        self._story.check("the bridge finished what was under way and left with 0", self._bridge.stop() == 0)
        for kind, what in _VIOLATIONS.items():
            found = [entry for entry in self._world.sandbox.log.entries if kind in entry.violations]
            self._story.check(f"{what}: {len(found)}", not found)
        leaked = any("sk_live_" in str(entry.body) for entry in self._world.sandbox.log.entries)
        self._story.check("the unmapped column never left the database", not leaked)

    def summary(self, console: Console) -> None:
        """The numbers at the end."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 4))
        table.add_column()
        table.add_column(justify="right")
        numbers = {
            "rows": len(self._sides.rows()),
            "pages": len(self._sides.pages()),
            "fields of each that are equal": len(FIELDS),
            "requests to Notion": len(self._world.sandbox.log.entries),
            **dict.fromkeys(_VIOLATIONS.values(), 0),
            "duplicates": len(self._created_twice()),
        }
        for what, number in numbers.items():
            table.add_row(what, f"{number:,}")
        console.print()
        console.print(table)
        console.print(Text("\n    All as it should be.", "bold green"))

    # What people and programs do

    def _sql(self, statement: LiteralString) -> int:
        """Runs a statement; answers how many rows it changed."""
        self._story.did("SQL", statement)
        return self._connection.execute(statement).rowcount

    def _edit(self, who: str, key: int, values: dict[str, Any]) -> None:
        self._world.sandbox.person(who).edit(self._sides.page(key).id, values)
        typed = ", ".join(f"{name} = {words(value)}" for name, value in values.items())
        self._story.did(who, f"edits the page of deal {key}: {typed}")

    def _add_page(self, who: str, values: dict[str, Any]) -> None:
        self._world.sandbox.person(who).create_row(self._world.data_source, values)
        self._records += 1
        self._story.did(who, f"adds a page: {values['Deal']}")

    def _ask(self, kind: str, **arguments: Any) -> None:
        submit(self._journal_path, self._clock, kind, arguments)

    def _kill(self, request: Request) -> None:
        """Called by the sandbox just before it carries a create out; the answer will reach nobody."""
        self._bridge.kill()

    # What there is to see

    def _expect_agreement(self, what: str) -> None:
        def so() -> bool:
            return len(self._sides.rows()) == self._records and self._sides.agree()

        self._story.expect(f"{what}: {self._records} rows, {self._records} pages", so)

    def _hold(self, key: int, **values: Any) -> bool:
        """Whether both sides hold these values in one record, and every other one is equal."""
        row, page = self._sides.rows()[key], self._sides.page(key).values
        return row == page and all(row[name] == value for name, value in values.items())

    def _trash(self) -> set[str]:
        return set(self._ben.rows(self._world.data_source, in_trash=True))

    def _key_of(self, title: str) -> int:
        return next(key for key, row in self._sides.rows().items() if row["title"] == title)

    def _conflicts(self) -> list[tuple[int, str, str]]:
        """Number, winner and rule of every conflict so far."""
        with closing(Journal.open_read_only(self._journal_path, self._clock)) as journal:
            return [(row["id"], row["winner"], row["rule"]) for row in journal.conflicts()]

    def _seen_in_notion(self, key: int, field: str, value: Any) -> bool:
        with closing(Journal.open_read_only(self._journal_path, self._clock)) as journal:
            pair = journal.pair_by_key("deals", (str(key),))
            return pair is not None and pair.notion.values.get(field) == value

    def _created_twice(self) -> list[int]:
        """Keys for which more than one page was made, counting the answers that were lost."""
        source = self._world.sandbox.world.data_sources[self._world.data_source]
        created: Counter[int] = Counter()
        for entry in self._world.sandbox.log.find("POST", r"/pages$"):
            for name, value in entry.body["properties"].items():
                prop = source.find(name)
                if prop is not None and prop.name == KEY_PROPERTY:
                    created[int(value["number"])] += 1
        return [key for key, count in created.items() if count > 1]


def _explain(failure: Exception, sides: Sides, bridge: BridgeProcess, console: Console) -> None:
    """What went wrong, and what both sides hold."""
    console.print(Text(f"\n    ✗ {failure}", "bold red"))
    for line in sides.differences():
        console.print(Text(f"      {line}", "red"))
    keys = sorted({*sides.rows(), *(page.key for page in sides.pages() if page.key is not None)})
    console.print(sides.table(keys, ["title", "stage", "amount"]))
    console.print(Text(f"\n    The bridge's last words:\n{bridge.log()}", "dim"))
