"""Who is who in the workspace: Notion's list of users, and everybody who is met in a page.

The list leaves out guests, and those who left; without the capability to read users there is no list at all. What
was learned once is kept, over restarts too: a page may show no more than an id of somebody whose address is in a
thousand rows, and that is no edit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from bridge.errors import AccessLost, Unavailable
from bridge.notion.client import NotionClient
from bridge.notion.errors import AccessDenied, Invalid, NotFound
from bridge.values.people import Person, person_in

Json = Mapping[str, Any]
_FEW = 3  # strangers that are asked for one by one; for more of them the list of users is cheaper
_BLIND = (
    "the integration may not read users, so that people are known by their ids only; give it the capability to read "
    "user information with e-mail addresses"
)


class Directory:
    """Implements `bridge.values.people.People`; thread-safe. `known` is what `keep` was last given."""

    def __init__(self, client: NotionClient, known: Json, keep: Callable[[Json], None]) -> None:
        self._client = client
        self._keep = keep
        self._lock = threading.Lock()
        self._people = {user_id: _restored(user_id, told) for user_id, told in known.items()}
        self._asked: set[str] = set()  # ids that no list names, asked for one by one
        self.problem = ""

    def by_id(self, user_id: str) -> Person | None:
        with self._lock:
            return self._people.get(user_id.lower())

    def everybody(self) -> tuple[Person, ...]:
        with self._lock:
            return tuple(self._people.values())

    def called(self, text: str) -> tuple[Person, ...]:
        wanted, everybody = text.casefold(), self.everybody()
        by_email = tuple(person for person in everybody if person.email.casefold() == wanted != "")
        return by_email or tuple(person for person in everybody if person.name.casefold() == wanted != "")

    def refresh(self) -> None:
        """Reads the list of users. Raises Unavailable, AccessLost (401)."""
        try:
            found = [person for user in self._client.users() if (person := person_in(user)) is not None]
        except AccessDenied as error:
            self._blind(error)
            return
        self.problem = ""
        with self._lock:
            self._asked.clear()
        self._learn(found)

    def meet(self, users: Iterable[Any]) -> None:
        """Learns from the users that a page shows, and asks for those of whom nobody has told more than the id."""
        met = [person for user in users if (person := person_in(user)) is not None]
        self._learn(met)
        for person in met:
            if self._is_stranger(person):
                self._ask(person.id)

    def introduce(self, user_ids: Iterable[str]) -> None:
        """Asks for those of whom nothing is known, a few at a time. For names that are only shown: where Notion does
        not answer nothing is raised, and they are asked for again when they are met again."""
        strangers = [user_id for user_id in dict.fromkeys(map(str.lower, user_ids)) if self._unknown(user_id)]
        try:
            if len(strangers) > _FEW:
                self.refresh()
            for user_id in [user_id for user_id in strangers if self._unknown(user_id)][:_FEW]:
                self._ask(user_id)
                with self._lock:
                    self._asked.add(user_id)
        except (Unavailable, AccessLost):
            return

    def _unknown(self, user_id: str) -> bool:
        with self._lock:
            return not (self.problem or user_id in self._people or user_id in self._asked)

    def _is_stranger(self, person: Person) -> bool:
        with self._lock:
            known = self._people[person.id]
            if self.problem or known.name or known.email or known.kind or person.id in self._asked:
                return False
            self._asked.add(person.id)
            return True

    def _ask(self, user_id: str) -> None:
        try:
            person = person_in(self._client.user(user_id).body)
        except (NotFound, Invalid):
            return  # who left the workspace, or a guest that it does not tell of: the id stands for them
        except AccessDenied as error:
            self._blind(error)
            return
        if person is not None:
            self._learn([person])

    def _learn(self, people: Iterable[Person]) -> None:
        with self._lock:
            news = False
            for person in people:
                known = self._people.get(person.id, Person(person.id))
                # What is told now is newer; what is not told is not gone.
                told = Person(
                    person.id, person.name or known.name, person.email or known.email, person.kind or known.kind
                )
                news |= person.id not in self._people or told != known
                self._people[person.id] = told
            if news:
                self._keep({user_id: _told(person) for user_id, person in self._people.items()})

    def _blind(self, error: AccessDenied) -> None:
        if error.status != HTTPStatus.FORBIDDEN:
            raise error
        self.problem = _BLIND


def _told(person: Person) -> dict[str, str]:
    parts = {"name": person.name, "email": person.email, "kind": person.kind}
    return {part: text for part, text in parts.items() if text}


def _restored(user_id: str, told: Json) -> Person:
    return Person(user_id, *(str(told.get(part, "")) for part in ("name", "email", "kind")))
