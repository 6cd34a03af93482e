"""What happens to the world besides people's work: crashes, restarts, dumps, lost journals, stale indexes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.worlds.ledger import UNIQUE
from tests.worlds.moments import MOMENTS
from tests.worlds.row_people import AUTHOR

if TYPE_CHECKING:
    from tests.worlds.world import World


class Events:
    """Called after each act of people."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dump = world.server.dump()
        self._old_journal: bytes | None = None
        self._journal_next = ""  # what happens to the journal while the process is down
        self._database_next = ""
        self._hidden = False
        self._trashed = False
        self._off_for = 0.0

    def perhaps(self) -> None:
        strikes = self._world.luck.strikes
        for fault, event in (
            ("crash", self._crash_somewhere),
            ("kill", self._kill_soon),
            ("torn", self._tear),
            ("restart", self._restart),
            ("stale", self._make_stale),
            ("unshare", self._unshare),
            ("wall-clock", self._set_clock),
            ("dump", self._restore),
            ("failover", self._fail_over),
            ("journal-lost", self._lose_journal),
            ("journal-old", self._age_journal),
            ("drift", self._drift),
            ("offline", self._switch_off),
            ("database-trashed", self._trash_database),
        ):
            if strikes(fault):
                event()
        rng = self._world.luck.rng
        if rng.random() < 0.05:
            self._dump = self._world.server.dump()
        if rng.random() < 0.05:
            self._old_journal = self._world.process.disk.copy() or self._old_journal

    def both_sides(self) -> str:
        """The same record, edited on both sides within a second, or deleted on one of them."""
        world, rng = self._world, self._world.rng
        rows = world.server.state.rows
        pairs = [(int(p["key"]), i) for i, p in world.pages.pages().items() if str(p["key"]).isdigit()]
        pairs = [(key, page_id) for key, page_id in pairs if key in rows]
        if not pairs:
            return ""
        key, page_id = rng.choice(pairs)
        field = rng.choice([name for name in UNIQUE if name in world.rows.fields() and name not in world.pages.hidden])
        page_act = rng.choice([0, 0, 0, 1])
        row_act = rng.choice([0, 0, 0, 1]) if not page_act else 0

        def later() -> None:
            if page_id not in world.pages.pages() or field in world.pages.hidden:
                return
            if page_act:
                said = world.pages.trash_page(page_id)
            else:
                said = world.pages.edit_page(page_id, {field: world.pages.value(field)})
            world._note(f"meanwhile {said}")

        world.situations["delete against edit" if page_act or row_act else "both sides edited within a second"] += 1
        world.clock.after(rng.uniform(0.0, 0.9), later)
        if row_act:
            return world.rows.delete_row(key)
        return world.rows.edit_row(key, {field: world.rows.value(field)})

    def while_down(self) -> None:
        """Between two lives of the process."""
        disk, world = self._world.process.disk, self._world
        if self._journal_next:
            world.kept.read(disk.open())
        if self._journal_next == "lost":
            disk.put_back(None)
            world.situations["journal lost"] += 1
        elif self._journal_next == "old" and self._old_journal is not None:
            disk.put_back(self._old_journal)
            world.situations["older journal put back"] += 1
        if self._journal_next:
            world._note(f"journal {self._journal_next}")
            self.forgive_deletions()
        self._journal_next = ""
        if self._database_next:
            self._restore_now(rewind=self._database_next == "rewind")
        self._database_next = ""

    def heal(self) -> None:
        """Whatever lasts ends now."""
        self._show()
        self._untrash_database()
        for transaction in [t for t in self._world.server.open if t.author == AUTHOR]:
            self._world._note(f"still open: {len(transaction.notes)}")

    # The process

    def _crash_somewhere(self) -> None:
        self._world.crash_next(self._world.luck.rng.choice(list(MOMENTS.values())))

    def _kill_soon(self) -> None:
        def kill() -> None:
            if self._world.alive and self._world.calm_at is None:
                self._world.situations["killed at a random moment"] += 1
                self._world.clock.kill()

        self._world.clock.after(self._world.luck.rng.uniform(0.0, 3.0), kill)

    def _tear(self) -> None:
        self._world.process.disk.crash_in = self._world.luck.rng.randint(1, 60)
        self._world.situations["killed inside a journal transaction"] += 1

    def _restart(self) -> None:
        if self._world.alive:
            self._world.situations["asked to stop and started again"] += 1
            self._world.clock.ask_to_stop()

    def _switch_off(self) -> None:
        self._off_for = self._world.luck.rng.choice([600.0, 3 * 3600.0, 7 * 86400.0])
        if self._world.alive:
            self._world.clock.kill()

    def wait_switched_off(self) -> None:
        """People go on meanwhile, and hurry."""
        if self._off_for:
            self._world.situations["off for long, and people went on"] += 1
            self._world._note(f"off for {self._off_for:.0f} s")
            for _ in range(self._world.luck.rng.choice([0, 10, 40])):
                self._world.act()
            self._world.clock.travel(self._off_for)
            if self._world.calm_at is not None:
                self._world.calm_at = self._world.clock.seconds  # nobody has waited for it meanwhile
        self._off_for = 0.0

    def _set_clock(self) -> None:
        self._world.situations["wall clock set"] += 1
        self._world.clock.wall += self._world.luck.rng.choice([-31e6, -3600.0, -60.0, 60.0, 3600.0, 31e6])

    # Notion

    def _make_stale(self) -> None:
        world, rng = self._world, self._world.luck.rng
        pages = sorted(world.sandbox.world.pages)
        page_id = rng.choice(pages)
        seconds = rng.choice([1.0, 5.0, 12.0, 60.0])
        world.sandbox.stale(page_id, seconds)
        born = world.sandbox.world.pages[page_id].history[0][0]
        hides = world.sandbox.clock.now() - timedelta(seconds=seconds) < born
        world.situations["index hid a page" if hides else "index showed a page as it was"] += 1
        world.clock.after(rng.choice([1.0, 10.0, 60.0]), lambda: world.sandbox.stale(page_id, None))

    def _unshare(self) -> None:
        if self._hidden:
            return
        self._hidden = True
        self._world.situations["access lost"] += 1
        self._world.pages.person.unshare(self._world.data_source)
        self._world.clock.after(self._world.luck.rng.choice([2.0, 30.0]), self._show)

    def _trash_database(self) -> None:
        """Every page is in the trash with it, and nobody has deleted any of them."""
        if self._trashed:
            return
        self._trashed = True
        self._world.situations["database in the trash"] += 1
        self._world.pages.person.trash_database(self._world.database)
        self._world.clock.after(self._world.luck.rng.choice([1.0, 20.0, 90.0]), self._untrash_database)

    def _untrash_database(self) -> None:
        if self._trashed:
            self._world.pages.person.trash_database(self._world.database, in_trash=False)
            self._trashed = False

    def _show(self) -> None:
        if self._hidden:
            self._world.pages.person.share(self._world.data_source)
            self._hidden = False

    def _drift(self) -> None:
        """The binding goes by ids, so that a rename changes nothing; nor does a column that is not mapped."""
        pages, server = self._world.pages, self._world.server
        change = self._world.luck.rng.choice([pages.rename_property, pages.rename_option, server.add_column])
        self._world._note(change())

    # What is restored

    def _restore(self) -> None:
        """The database goes back, and the bridge is started again after it (it cannot stay connected)."""
        self._database_next = self._world.luck.rng.choice(["dump", "rewind"])
        if self._world.alive:
            self._world.clock.kill()

    def _fail_over(self) -> None:
        """The bridge's connections are lost; the next ones reach the replica."""
        self._world.situations["failover under a running bridge"] += self._world.alive
        self._restore_now(rewind=True)

    def _restore_now(self, *, rewind: bool) -> None:
        world = self._world
        before = [value for row in world.server.state.rows.values() for value in row.values()]
        for transaction in [t for t in world.server.open if t.author == AUTHOR]:
            transaction.rollback()
        world.server.restore(self._dump, rewind=rewind)
        after = [value for row in world.server.state.rows.values() for value in row.values()]
        world.ledger.restored(before, after, world.watch.shown)
        world.situations["database restored"] += 1
        world._note("the database was restored")
        self.forgive_deletions()

    def _lose_journal(self) -> None:
        self._journal_next = "lost"
        if self._world.alive:
            self._world.clock.kill()

    def _age_journal(self) -> None:
        if self._old_journal is not None:
            self._journal_next = "old"
            if self._world.alive:
                self._world.clock.kill()

    def forgive_deletions(self) -> None:
        """What was deleted on one side only may come back: nothing tells a lost journal that it was agreed before."""
        world = self._world
        shown = [value for row in world.server.state.rows.values() for value in row.values()]
        shown += [value for page in world.pages.pages().values() for value in page.values()]
        shown += world.schema.concealed()
        world.ledger.may_show(shown)
