"""Answers of scarce reads, those with a daily limit: asked for once by all who ask the same, and kept for a while.

They are kept in memory: another process that asks the same spends one more, which Redis would save, but answers hold
people's data and belong in no store that does not seal them. Nothing is forgotten after a write of ours: reports are
computed by Klaviyo from what has happened, minutes later, and say by when they were read.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from klaviyo_mcp.klaviyo.errors import QuotaExhausted, Throttled
from klaviyo_mcp.klaviyo.requests import ApiRequest, QuotaLeft, Reply, WaitBudget

MOST_BYTES = 16_000_000
"""Of all answers of a process together, as JSON; those that were not used for longest are forgotten first."""
KEPT_FOR = 600.0
"""Seconds for which an answer is kept, unless a setting says otherwise."""

Fetch = Callable[[], Coroutine[Any, Any, Reply]]
Key = tuple[str, str]
"""Whose answer it is, and what was asked."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer: its document as JSON, which takes less room than what it stands for; and when it was read."""

    reply: Reply
    document: bytes
    read_at: datetime
    moment: float


@dataclass(slots=True)
class Flight:
    """A request under way, the wait that it is charged to, and how many are waiting for its answer."""

    task: asyncio.Task[Reply]
    budget: WaitBudget
    callers: int = 0


@dataclass(slots=True)
class KeptReplies:
    """The answers of all accounts of a process. `seconds` is how long each is kept, 0 for not at all."""

    seconds: float = KEPT_FOR
    most_bytes: int = MOST_BYTES
    _kept: OrderedDict[Key, Kept] = field(default_factory=OrderedDict[Key, Kept])
    _flights: dict[Key, Flight] = field(default_factory=dict[Key, Flight])
    _bytes: int = 0

    def of(self, owner: str) -> "ScarceReads":
        """Those of one account and its credentials."""
        return ScarceReads(self, owner)

    def find(self, key: Key) -> Kept | None:
        """The answer that is kept, None when there is none any more."""
        kept = self._kept.get(key)
        if kept is None or monotonic() - kept.moment >= self.seconds:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept

    async def together(self, key: Key, fetch: Fetch, budget: WaitBudget) -> Reply:
        """Ask once for all who ask the same at this time, and keep the answer.

        It is given up when all who wait for it are cancelled. What it raises, all get; but who may wait for quota
        longer than the one that has asked then asks anew.
        """
        while True:
            flight = self._flights.get(key)
            if is_first := flight is None:
                flight = self._depart(key, fetch, budget)
            flight.callers += 1
            waited = flight.budget.waited
            try:
                await asyncio.wait({flight.task})
            finally:
                flight.callers -= 1
                if not flight.callers:
                    self._landed(key, flight)
                    flight.task.cancel()
            if not is_first:
                budget.share(flight.budget, since=waited)
            try:
                return flight.task.result()
            except (QuotaExhausted, Throttled) as error:
                wait = (error.retry_at - datetime.now(UTC)).total_seconds() if error.retry_at else 0.0
                if is_first or not budget.covers(wait):
                    raise

    def _depart(self, key: Key, fetch: Fetch, budget: WaitBudget) -> Flight:
        flight = self._flights[key] = Flight(asyncio.ensure_future(self._fetched(key, fetch)), budget)

        def arrived(task: asyncio.Task[Reply]) -> None:
            self._landed(key, flight)
            if not task.cancelled():
                task.exception()  # looked at, also where nobody waits for it any more

        flight.task.add_done_callback(arrived)
        return flight

    def _landed(self, key: Key, flight: Flight) -> None:
        """Nobody joins it any more."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _fetched(self, key: Key, fetch: Fetch) -> Reply:
        reply = await fetch()
        self._keep(key, reply)
        return reply

    def _keep(self, key: Key, reply: Reply) -> None:
        self._forget(key)
        document = json.dumps(reply.document).encode()
        if self.seconds <= 0 or len(document) > self.most_bytes:
            return
        self._kept[key] = Kept(replace(reply, document=None), document, datetime.now(UTC), monotonic())
        self._bytes += len(document)
        while self._bytes > self.most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        self._bytes -= len(kept.document) if kept else 0


@dataclass(frozen=True, slots=True)
class ScarceReads:
    """The answers of one account."""

    replies: KeptReplies
    owner: str

    async def read(self, request: ApiRequest, fetch: Fetch, budget: WaitBudget, *, fresh: bool = False) -> Reply:
        """The answer to a request: one that is kept, unless `fresh`; else Klaviyo's, by `fetch`.

        Raises what `fetch` does; where that is for want of quota, the error says when a kept answer was read.
        """
        key = (self.owner, question(request))
        kept = self.replies.find(key)
        if kept is not None and not fresh:
            # What was left of the quota then is not what is left now.
            document = json.loads(kept.document)
            return replace(kept.reply, document=document, quota=QuotaLeft(), read_at=kept.read_at)
        try:
            return await self.replies.together(key, fetch, budget)
        except (QuotaExhausted, Throttled) as error:
            error.kept_since = kept.read_at if kept is not None else None
            raise


def question(request: ApiRequest) -> str:
    """All of a request that its answer depends on, as text."""
    parts = [request.method, request.target, request.revision, request.headers, request.body]
    return json.dumps(parts, sort_keys=True, ensure_ascii=False)
