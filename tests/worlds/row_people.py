"""People with programs of their own in the database: they insert, edit, delete, hold transactions open, swap keys."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from tests.worlds.ledger import UNIQUE, Ledger, Written, plain
from tests.worlds.situations import Situations
from tests.worlds.table import Locked, Server, Transaction, Violation, Wire

AUTHOR = "people"
FIELDS = ("title", "mail", "note", "amount", "stage", "tags")
STAGES = ("Todo", "Doing", "Done")
TAGS = ("red", "green", "blue")


class Session:
    """One transaction and what it will have written and replaced once it is committed."""

    def __init__(self, server: Server, ledger: Ledger) -> None:
        self._server, self._ledger = server, ledger
        self.transaction: Transaction = server.begin(AUTHOR)
        self._wrote: list[tuple[str, Any]] = []
        self._replaced: list[tuple[list[Any], str]] = []
        self._moved: list[Any] = []  # what rows with another key held

    def insert(self, *rows: Wire) -> list[int]:
        """One statement."""
        self._wrote += [item for values in rows for item in values.items()]
        return self.transaction.insert_all(rows)

    def update(self, key: int, changes: Wire) -> None:
        self.update_all({key: changes})

    def update_all(self, changes: Mapping[int, Wire]) -> None:
        """One statement."""
        before = {key: self._lock(key) for key in changes}
        self._wrote += [item for values in changes.values() for item in values.items()]
        self.transaction.update_all(changes)
        for key, values in changes.items():
            self._replaced.append(([before[key][name] for name in values if name != "id"], ""))
            if "id" in values:
                self._moved += [before[key].get(name) for name in UNIQUE] + [values.get(name) for name in UNIQUE]

    def delete(self, *keys: int, deleting: bool = True) -> None:
        """One statement. `deleting` is False when other rows with these keys follow: who restores the pages then undoes
        nothing."""
        before = [self._lock(key) for key in keys]
        self.transaction.delete_all(keys)
        for row in before:
            self._replaced.append(([row.get(name) for name in UNIQUE], "row" if deleting else ""))

    def _lock(self, key: int) -> Wire:
        row = self.transaction.lock(key)
        if row is None:
            raise KeyError(key)
        return row

    def truncate(self) -> None:
        rows = list(self._server.state.rows.values())
        self.transaction.truncate()
        self._replaced += [([row.get(name) for name in UNIQUE], "row") for row in rows]

    def commit(self) -> None:
        if self.transaction.over:
            self.rollback()  # the server has ended it
            return
        for name, value in self._wrote:
            self._ledger.wrote(name, value, Written(name, "row", self._server.clock.seconds))
        for values, deleted in self._replaced:
            self._ledger.replaced(values, deleted=deleted)
        if "key change" in self.transaction.left_out or self._server.broken():
            # Not noted, or only that something was changed: nobody can tell it from a deletion and a new row, which no
            # page that was trashed meanwhile is about.
            self._ledger.may_show(value for value in self._moved if value is not None)
        self.transaction.commit()

    def rollback(self) -> None:
        self._ledger.withdrawn.update(plain(value) for name, value in self._wrote if name in UNIQUE)
        self.transaction.rollback()


class RowPeople:
    """The acts. Each answers what it did, "" when there was nothing to do it with."""

    def __init__(
        self,
        server: Server,
        ledger: Ledger,
        rng: random.Random,
        situations: Situations,
        *,
        rubbish: float,
        many: bool = False,
    ) -> None:
        self._server, self._ledger, self._rng, self._situations = server, ledger, rng, situations
        self._rubbish = rubbish
        self.acts: dict[Callable[[], str], float] = {
            self.edit: 10.0,
            self.insert: 2.0,
            self.delete: 1.2,
            self.edit_slowly: 3.0,
            self.edit_twice: 1.0,
            self.work_in_steps: 1.0,
            self.change_key: 0.5,
            self.swap_keys: 0.4,
            self.replace_row: 0.4,
            self.insert_again: 0.4,
            self.touch: 0.4,
            self.truncate: 0.04,
        }
        if many:
            self.acts |= {self.edit_many: 3.0, self.insert_many: 0.7, self.delete_many: 0.5, self.replace_many: 0.5}

    def value(self, field: str) -> Any:
        match field:
            case "stage":
                return self._rng.choice(STAGES)
            case "tags":
                odd = self._rng.random() < self._rubbish
                return ["one, two"] if odd else self._rng.sample(TAGS, self._rng.randint(0, 3)) or None
        made = self._ledger.make(field, "row")
        if field == "mail" and self._rng.random() < self._rubbish:
            return "x" * 200 + made  # longer than Notion takes
        return made

    def changes(self) -> dict[str, Any]:
        return {name: self.value(name) for name in self._rng.sample(self.fields(), self._rng.choice([1, 1, 2]))}

    def fields(self) -> list[str]:
        """Those whose column is there."""
        return [name for name in FIELDS if self._server.table.column(name) is not None]

    def new_row(self) -> dict[str, Any]:
        values = {"title": self.value("title")}
        return values | {name: self.value(name) for name in self.fields()[1:] if self._rng.random() < 0.5}

    def key(self) -> int | None:
        keys = sorted(self._server.state.rows)
        return self._rng.choice(keys) if keys else None

    def _do(self, work: Callable[[Session], str], *, leave_open: bool = False) -> str:
        session = Session(self._server, self._ledger)
        try:
            said = work(session)
        except (Locked, Violation, KeyError) as error:
            session.rollback()
            return f"refused: {type(error).__name__}"
        if leave_open:
            self._end_later(session)
        else:
            session.commit()
        return said

    def _end_later(self, session: Session) -> None:
        gives_up = self._rng.random() < 0.25
        seconds = self._rng.choice([0.2, 1.0, 4.0])
        if gives_up:
            self._situations["rolled back by a person"] += 1
        self._server.clock.after(seconds, session.rollback if gives_up else session.commit)

    def edit(self) -> str:
        key = self.key()
        return self.edit_row(key) if key is not None else ""

    def edit_row(self, key: int, changes: dict[str, Any] | None = None) -> str:
        made = changes or self.changes()

        def edit(session: Session) -> str:
            session.update(key, made)
            return f"row {key}: {made}"

        return self._do(edit)

    def edit_slowly(self) -> str:
        """A transaction that stays open for a while."""
        key = self.key()
        if key is None:
            return ""

        def work(session: Session) -> str:
            made = self.changes()
            session.update(key, made)
            if self._rng.random() < 0.3:
                session.insert(self.new_row())
            return f"row {key}, slowly: {made}"

        return self._do(work, leave_open=True)

    def work_in_steps(self) -> str:
        """A transaction whose statements are a while apart, so that such ones overlap in every order."""
        session = Session(self._server, self._ledger)
        self._step(session, self._rng.randint(2, 3))
        return "" if session.transaction.over else "a transaction in steps"

    def _step(self, session: Session, left: int) -> None:
        key = self.key()
        if key is None or session.transaction.over:
            session.rollback()
            return
        try:
            session.update(key, self.changes())
        except (Locked, Violation, KeyError):
            self._situations["a transaction ended by a lock or a constraint"] += 1
            session.rollback()
            return
        if left == 1:
            self._end_later(session)
        else:
            self._server.clock.after(self._rng.choice([0.1, 0.5, 1.5]), lambda: self._step(session, left - 1))

    def edit_twice(self) -> str:
        key = self.key()
        if key is None:
            return ""

        def work(session: Session) -> str:
            session.update(key, {"title": self.value("title")})
            second = [name for name in ("title", "mail") if name in self.fields()]
            session.update(key, {name: self.value(name) for name in second})
            return f"row {key} twice"

        return self._do(work)

    def insert(self) -> str:
        return self._do(lambda s: f"new row {s.insert(self.new_row())[0]}")

    def insert_again(self) -> str:
        """With a key that was used before, or will be."""
        key = self._rng.randint(1, self._server.state.sequence + 3)
        return self._do(lambda s: f"new row {s.insert({'id': key, **self.new_row()})[0]} by hand")

    def delete(self) -> str:
        key = self.key()
        return self.delete_row(key) if key is not None else ""

    def delete_row(self, key: int) -> str:
        def delete(session: Session) -> str:
            session.delete(key)
            return f"row {key} deleted"

        return self._do(delete)

    def replace_row(self) -> str:
        """Deleted and inserted again in one transaction."""
        key = self.key()
        if key is None:
            return ""

        def work(session: Session) -> str:
            session.delete(key, deleting=False)
            session.insert({"id": key, **self.new_row()})
            return f"row {key} replaced"

        return self._do(work)

    def change_key(self) -> str:
        key = self.key()
        if key is None:
            return ""

        def work(session: Session) -> str:
            new = self._rng.randint(1, self._server.state.sequence + 20)
            session.update(key, {"id": new})
            self._situations["key changed"] += 1
            return f"row {key} is {new} now"

        return self._do(work)

    def swap_keys(self) -> str:
        keys = sorted(self._server.state.rows)
        if len(keys) < 2:
            return ""

        def work(session: Session) -> str:
            one, other = self._rng.sample(keys, 2)
            session.update(one, {"id": -1})
            session.update(other, {"id": one})
            session.update(-1, {"id": other})
            self._situations["keys swapped"] += 1
            return f"rows {one} and {other} swapped"

        return self._do(work)

    def touch(self) -> str:
        """An update that changes nothing."""
        key = self.key()
        if key is None:
            return ""
        touched = key

        def touch(session: Session) -> str:
            session.transaction.update(touched, {})
            return f"row {touched} touched"

        return self._do(touch)

    def truncate(self) -> str:
        def work(session: Session) -> str:
            session.truncate()
            self._situations["truncated"] += 1
            return "the table is emptied"

        return self._do(work)

    # One statement for several rows

    def _some_keys(self) -> list[int]:
        keys = sorted(self._server.state.rows)
        return self._rng.sample(keys, min(len(keys), self._rng.randint(2, 6)))

    def edit_many(self) -> str:
        """Of one of them the transaction may change something again."""
        keys = self._some_keys()
        if not keys:
            return ""
        names = self._rng.sample(self.fields(), self._rng.choice([1, 1, 2]))

        def work(session: Session) -> str:
            made = {key: {name: self.value(name) for name in names} for key in keys}
            if self._rng.random() < 0.15:
                self._situations["keys of several rows changed"] += 1
                by = self._rng.choice([1, 50])
                for key in self._rng.sample(keys, self._rng.randint(1, len(keys))):
                    made[key]["id"] = key + by
            session.update_all(made)
            if self._rng.random() < 0.3:
                session.update(int(made[keys[0]].get("id", keys[0])), self.changes())
            return f"rows: {made}"

        return self._do(work, leave_open=self._rng.random() < 0.3)

    def insert_many(self) -> str:
        rows = [self.new_row() for _ in range(self._rng.randint(2, 5))]
        return self._do(lambda s: f"new rows {s.insert(*rows)}")

    def delete_many(self) -> str:
        keys = self._some_keys()

        def work(session: Session) -> str:
            session.delete(*keys)
            return f"rows {keys} deleted"

        return self._do(work) if keys else ""

    def replace_many(self) -> str:
        """Deleted by one statement and inserted again by another, not all of them and not only they."""
        keys = self._some_keys()

        def work(session: Session) -> str:
            again = keys[: self._rng.randint(1, len(keys))]
            session.delete(*again, deleting=False)
            gone = [key for key in keys if key not in again]
            session.delete(*gone)
            session.insert(*({"id": key, **self.new_row()} for key in again), self.new_row())
            return f"rows {again} replaced, {gone} deleted"

        return self._do(work, leave_open=self._rng.random() < 0.2) if keys else ""
