"""What a sandbox counts and logs beside its state: requests, and how much of each rate limit they used.

A sandbox with a state file keeps both in that file, so that all processes sharing it see one log and one quota. One
without keeps them in this process.
"""

import json
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Store

REMEMBERED = 500
_NEVER = float("-inf")
Usage = tuple[float, int]


class Ledger(Protocol):
    """Where requests are logged and counted. Moments are in seconds since 1970."""

    def log(self, entry: Json) -> None:
        """Remember a request; only the last REMEMBERED are kept."""
        ...

    def logged(self) -> list[Json]:
        """The remembered requests, oldest first, each with its `number`: how many there have been with it."""
        ...

    def holding(self) -> AbstractContextManager[None]:
        """Keep everybody else from counting while a request is admitted."""
        ...

    def usage(self, owner: str, name: str, seconds: int) -> Usage:
        """When a window of so many seconds last started, and how many requests it has seen."""
        ...

    def use(self, owner: str, name: str, seconds: int, usage: Usage) -> None:
        """Remember what `usage` is to answer."""
        ...

    def clear(self) -> None:
        """Forget every request."""
        ...


@dataclass(slots=True)
class MemoryLedger:
    """A ledger of this process alone."""

    _entries: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=REMEMBERED))
    _usage: dict[tuple[str, str, int], Usage] = field(default_factory=dict[tuple[str, str, int], Usage])
    _number: int = 0

    def log(self, entry: Json) -> None:
        self._number += 1
        self._entries.append({"number": self._number, **entry})

    def logged(self) -> list[Json]:
        return list(self._entries)

    def holding(self) -> AbstractContextManager[None]:
        # Requests of one process are admitted one after the other anyway.
        return nullcontext()

    def usage(self, owner: str, name: str, seconds: int) -> Usage:
        return self._usage.get((owner, name, seconds), (_NEVER, 0))

    def use(self, owner: str, name: str, seconds: int, usage: Usage) -> None:
        self._usage[owner, name, seconds] = usage

    def clear(self) -> None:
        self._entries.clear()
        self._usage.clear()
        self._number = 0


@dataclass(frozen=True, slots=True)
class FileLedger:
    """A ledger in the file that the state is in. The store must be open."""

    store: Store

    def log(self, entry: Json) -> None:
        with self.store.writing():
            self.store.run("INSERT INTO request_log (entry) VALUES (?)", (json.dumps(entry),))
            self.store.run(
                "DELETE FROM request_log WHERE number <= (SELECT max(number) FROM request_log) - ?", (REMEMBERED,)
            )

    def logged(self) -> list[Json]:
        rows = self.store.rows("SELECT number, entry FROM request_log ORDER BY number")
        return [{"number": number, **json.loads(entry)} for number, entry in rows]

    @contextmanager
    def holding(self) -> Generator[None]:
        with self.store.writing():
            yield

    def usage(self, owner: str, name: str, seconds: int) -> Usage:
        sql = "SELECT started, used FROM rate_window WHERE owner = ? AND name = ? AND seconds = ?"
        found = self.store.rows(sql, (owner, name, seconds))
        return found[0] if found else (_NEVER, 0)

    def use(self, owner: str, name: str, seconds: int, usage: Usage) -> None:
        self.store.run("INSERT OR REPLACE INTO rate_window VALUES (?, ?, ?, ?, ?)", (owner, name, seconds, *usage))

    def clear(self) -> None:
        with self.store.writing():
            self.store.run("DELETE FROM request_log")
            self.store.run("DELETE FROM rate_window")
