"""The state of one running sandbox: its store, clock, limits, log and grants; opened, filled, read and changed here."""

import sqlite3
import threading
from collections.abc import Callable, Collection, Hashable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from klaviyo_sandbox.calls import Session, World
from klaviyo_sandbox.clock import ShiftedClock, microseconds, moment_of
from klaviyo_sandbox.entitlements import known
from klaviyo_sandbox.faults.declared import Faults
from klaviyo_sandbox.limits import RateLimits
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.operations import RESOURCES, WORK
from klaviyo_sandbox.storage.grants import Grants
from klaviyo_sandbox.storage.ledger import FileLedger, Ledger, MemoryLedger
from klaviyo_sandbox.storage.store import Store

Result = TypeVar("Result")

# Suites of tests fill many sandboxes in the same way, one for each test: a small shop is copied from the second one on,
# for half an hour where time goes by; what it holds is then as old as if this sandbox had begun so much earlier.
_COPIED_UP_TO_PROFILES = 500
_MOST_COPIES = 8
_SAME_FOR = timedelta(minutes=30)
_copies: dict[Hashable, sqlite3.Connection | None] = {}
"""None for what was filled once."""
_copying = threading.Lock()


class State:
    """What a sandbox is at the moment. Its store is opened and filled when it is first looked at."""

    def __init__(
        self,
        *,
        file: Path | None,
        seed: int,
        profiles: int,
        clock: ShiftedClock,
        rate_limits: bool,
        estimation_seconds: float,
        event_delay: float,
        job_seconds: float,
        faults: Faults,
        auto_approve: bool,
        access_token_seconds: int,
        without: Collection[str],
    ) -> None:
        """`file` is where it is kept, or None for memory. The rest is as `create_app` has it."""
        self.clock = clock
        self.faults = faults
        self._seed = seed
        self._profiles = profiles
        store = Store(file, RESOURCES)
        self.ledger: Ledger = MemoryLedger() if file is None else FileLedger(store)
        self.grants = Grants(store, auto_approve, access_token_seconds)
        self.limits = RateLimits(self.ledger, rate_limits)
        self.store = store
        self.world = World(store, RESOURCES, event_delay, estimation_seconds, job_seconds, known(without))
        self._opening = threading.Lock()
        self._opened = False

    def ready(self) -> None:
        """Open the store, and fill it if it is empty."""
        with self._opening:
            if not self._opened:
                self.store.open()
                self._fill_first()
                self._opened = True

    def reset(self) -> None:
        """Go back to the freshly seeded shop, an unshifted clock, unused rate limits and an empty log."""
        self.ready()
        self.clock.reset()
        self._fill(afresh=True)
        self.ledger.clear()

    def logged(self) -> list[Json]:
        """The last requests, oldest first."""
        return self.read(self.ledger.logged)

    def read(self, query: Callable[[], Result]) -> Result:
        """Read the state from outside the API."""
        self.ready()
        with self.store.lock:
            return query()

    def change(self, action: Callable[[], Result]) -> Result:
        """Change the state from outside the API."""
        self.ready()
        with self.store.writing():
            return action()

    def write(self, account: str, change: Callable[[Session], Result]) -> Result:
        """Change an account's state from outside the API."""
        return self.change(lambda: change(Session(self.world, account, self.clock.now())))

    def settle(self) -> None:
        """Do all work that has come due, in the order in which it did."""
        store, now = self.store, microseconds(self.clock.now())
        with store.lock:
            if not store.has_due(now):
                return
            with store.writing():
                while work := store.take_due(now):
                    due, account, kind, payload = work
                    WORK[kind](Session(self.world, account, moment_of(due)), payload)

    def _fill_first(self) -> None:
        if not self.store.in_memory or self._profiles > _COPIED_UP_TO_PROFILES:
            self._fill()
            return
        world, now = self.world, self.clock.now()
        since = now if self.clock.by_hand else now - (now - datetime.min.replace(tzinfo=UTC)) % _SAME_FOR
        delays = (world.event_delay, world.estimation_seconds, world.job_seconds)
        what = (self._seed, self._profiles, since, delays, world.without)
        with _copying:
            if copy := _copies.get(what):
                self.store.become(copy)
                return
            self._fill()
            while len(_copies) >= _MOST_COPIES and what not in _copies:
                if oldest := _copies.pop(next(iter(_copies))):
                    oldest.close()
            _copies[what] = self.store.copy() if what in _copies else None

    def _fill(self, *, afresh: bool = False) -> None:
        # Filling is imported here because most processes that import the sandbox never serve from it.
        from klaviyo_sandbox.seed import seed_sandbox

        with self.store.writing():
            if afresh:
                self.store.erase()
            if self.store.remembered("seed") is None:
                self.store.remember("seed", str(self._seed))
                seed_sandbox(self.world, self._seed, self._profiles, self.clock.now())
