"""The demo shop that tasks are done in: a sandbox over HTTP, and its state read beside the API, from its own file."""

import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2

from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

JSON = dict[str, Any]
Key = tuple[str, ...]
Row = tuple[Any, ...]
_REVISION = "2026-07-15"
_FRESH = "fresh"
_SOON = 5.0
# Key columns of what is no resource. Other tables say nothing about the shop: counters, the request log, pending work.
_SHARED = {"link": 3, "consent": 2, "suppression": 3, "pending_consent": 2}
_NOT_THE_SHOP = ("meta", "departure", "work", "request_log", "rate_window", "sqlite_", "oauth_", "snapshot:")


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one row: `was` is None for a new one, `now` for one that is gone."""

    table: str
    key: Key
    was: Row | None
    now: Row | None

    def __str__(self) -> str:
        verb = "new" if self.was is None else "gone" if self.now is None else "changed"
        return f"{self.table} {' '.join(self.key)} is {verb}"


@dataclass(frozen=True)
class Snapshot:
    """The whole state at a moment: table → key → row, of both companies; the helpers are about the demo shop."""

    tables: Mapping[str, Mapping[Key, Row]]

    @cached_property
    def _read(self) -> dict[str, dict[str, JSON]]:
        return {}

    def records(self, table: str) -> dict[str, JSON]:
        """The bodies of one kind of resource by id. What begins with _ in them is the sandbox's own."""
        if table not in self._read:
            rows = self.tables[table].items()
            self._read[table] = {key[1]: json.loads(row[0]) for key, row in rows if key[0] == COMPANY_ID}
        return self._read[table]

    def named(self, table: str, name: str, field: str = "name") -> str:
        """The id of the one resource of this name. Raises ValueError where there is not exactly one."""
        (found,) = [identifier for identifier, body in self.records(table).items() if body.get(field) == name]
        return found

    def linked(self, relation: str, source: str) -> set[str]:
        """What a resource is related to, such as `list.profiles`."""
        return {key[3] for key in self.tables["link"] if key[:3] == (COMPANY_ID, relation, source)}

    def consent(self, profile: str, channel: str = "email.marketing") -> str:
        """SUBSCRIBED, UNSUBSCRIBED, or NEVER_SUBSCRIBED."""
        row = self.tables["consent"].get((COMPANY_ID, profile, channel))
        return row[0] if row else "NEVER_SUBSCRIBED"

    def suppressed(self, profile: str) -> bool:
        """Whether no email goes to them."""
        return any(key[:3] == (COMPANY_ID, profile, "") for key in self.tables["suppression"])

    def reached(self, channel: str, members: set[str]) -> set[str]:
        """Whom of these people a campaign of a channel (email, sms) goes to."""
        people = self.records("profile")
        if channel == "email":
            return {one for one in members if people[one]["email"] and not self.suppressed(one)}
        return {
            one
            for one in members
            if people[one]["phone_number"] and self.consent(one, f"{channel}.marketing") == "SUBSCRIBED"
        }

    @cached_property
    def _events(self) -> dict[str, list[JSON]]:
        found: dict[str, list[JSON]] = {}
        for event in self.records("event").values():
            found.setdefault(event["_metric_id"], []).append(event)
        return found

    def events(self, metric: str) -> list[JSON]:
        """The events of a metric by its name; `timestamp` is in seconds, `_profile_id` who."""
        return self._events.get(self.named("metric", metric), [])

    def changes(self, later: "Snapshot") -> list[Change]:
        """What is different later."""
        found: list[Change] = []
        for table, rows in later.tables.items():
            before = self.tables[table]
            gone = [Change(table, key, row, None) for key, row in before.items() if key not in rows]
            other = [(key, before.get(key), row) for key, row in rows.items() if before.get(key) != row]
            found += [*gone, *(Change(table, key, was, now) for key, was, now in other)]
        return found


class Shop:
    """A sandbox that goes back to its first state for each task."""

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self._file = file
        self._klaviyo = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": _REVISION},
            timeout=60.0,  # a snapshot writes the whole shop, on whatever disk there is
        )
        self._control("snapshot", name=_FRESH)
        self.first = self.snapshot()

    def restore(self) -> None:
        """Everything as it was first; the clock goes on."""
        self._control("restore", name=_FRESH)

    def close(self) -> None:
        """End the connections of checks."""
        self._klaviyo.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a server has to be told to work on this shop."""
        return {"KLAVIYO_BASE_URL": self.url, "KLAVIYO_API_KEY": API_KEY, "KLAVIYO_COMPANY_ID": COMPANY_ID}

    def ask(self, path: str, body: JSON | None = None) -> JSON:
        """Klaviyo's own answer to a GET, or to a POST of a body: for checks, beside the server under trial."""
        answer = self._klaviyo.post(path, json=body) if body else self._klaviyo.get(path)
        answer.raise_for_status()
        return answer.json()

    def operations(self, after: int) -> list[str]:
        """The operations that were requested after the request of this number, and were not refused."""
        seen = self._klaviyo.get(f"/_sandbox/requests?after={after}").json()
        return [one["operation"] for one in seen if one["status"] < 400]

    def requests(self) -> int:
        """How many requests there have been."""
        seen = self._klaviyo.get("/_sandbox/requests?last=1").json()
        return seen[-1]["number"] if seen else 0

    def settle(self) -> None:
        """Wait until what was begun is done: jobs, not what is planned for another day."""
        while (due := self._next_due()) is not None and due < time.time() + _SOON:
            time.sleep(0.1)
            self._control("clock", advance=0)

    def snapshot(self) -> Snapshot:
        """The state as it is."""
        tables: dict[str, dict[Key, Row]] = {}
        with closing(self._open()) as database:
            names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in names:
                if table.startswith(_NOT_THE_SHOP):
                    continue
                # Resources have account, id and body first; the columns after them are derived from the body.
                ids, columns = (_SHARED[table], "*") if table in _SHARED else (1, "account, id, body")
                rows = database.execute(f'SELECT {columns} FROM "{table}"')
                tables[table] = {row[: ids + 1]: row[ids + 1 :] for row in rows}
        return Snapshot(tables)

    def _next_due(self) -> float | None:
        with closing(self._open()) as database:
            found = database.execute("SELECT min(due) FROM work").fetchone()[0]
        return None if found is None else found / 1e6

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)

    def _control(self, path: str, **given: Any) -> None:
        self._klaviyo.post(f"/_sandbox/{path}", json=given).raise_for_status()


@contextmanager
def opened(seed: int = 1, profiles: int = 400) -> Iterator[Shop]:
    """The demo shop of this seed and size, on a free port, with jobs that take a third of a second."""
    with tempfile.TemporaryDirectory(prefix="bench-tasks-") as folder:
        file = Path(folder) / "shop.db"
        app = create_app(
            state=file, seed=seed, profiles=profiles, rate_limits=False, estimation_seconds=0.3, job_seconds=0.3
        )
        with serve(app) as url:
            shop = Shop(url, file)
            try:
                yield shop
            finally:
                shop.close()
