"""What goes out to Klaviyo and what comes back, as plain values, and how long a call may wait in between. No I/O."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from time import monotonic
from typing import Any, Literal
from urllib.parse import quote

from klaviyo_mcp.klaviyo.watching import watcher

DAY = 86_400
"""Seconds of the longest window that rates are given in."""
TELL_EVERY = 5.0
"""Seconds between two words to a client whose call waits."""
WORTH_TELLING = 1.0
"""Seconds of waiting from which a client is told."""
MOST_OFTEN = 0.5
"""Seconds at least between two words, however many requests of a call wait."""

REVISION = "2026-10-15"
"""The revision of Klaviyo's API that operations are described by, where a spec does not say another."""

LONGEST_TARGET = 8_000
"""Characters of path and query that a request may have. Klaviyo documents no limit and has answered 414; web servers
and proxies commonly hold a request line to 8 KiB, method and protocol included, so anything longer is not sent."""


Repeatable = Literal["read", "idempotent", "once"]
"""What doing a request twice means: nothing, the same as once, or something else."""
Expected = Literal["data", "nothing", "anything"]
"""What Klaviyo documents of a success: a body with `data`, no body, or neither of both."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A quota that a request counts against: `amount` requests in any `seconds`. Equal names share a count."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One HTTP request to Klaviyo, complete but for credentials.

    `path` is percent-encoded and starts with /api/ or /client/; `template` is the path before its ids were filled in,
    for those who must not see them. `query` values are plain text, not yet encoded. `body` is JSON,
    `form` the fields of a multipart body; a file field is (file name, content). `needs_company_id` asks the client to
    add the account's public key to the query. `revision` is that of the API which it is written for.
    `repeatable` says what sending it twice would do, `expects` what Klaviyo documents as the body of a success.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None
    form: dict[str, str | tuple[str, bytes]] | None = None
    operation: str = ""
    template: str = ""
    needs_company_id: bool = False
    buckets: tuple[Bucket, ...] = ()
    revision: str = REVISION
    repeatable: Repeatable = "once"
    expects: Expected = "anything"

    @property
    def target(self) -> str:
        """Path and percent-encoded query, as they go over the wire."""
        query = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in self.query)
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    """What Klaviyo says is left: `remaining` of `limit` in the window that binds, which resets in `reset_seconds`.

    `remaining_today` and `reset_today_seconds` are set for operations with a daily limit.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: int | None = None
    remaining_today: int | None = None
    reset_today_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Klaviyo's answer to a request that succeeded. `document` is the JSON body, None when there is none.

    `partial_failure` is what Klaviyo says it dropped of what was sent, such as phone_number; it says so in a header.
    `read_at` is set for one that was kept: when Klaviyo gave it.
    `attempts` is how often the request was sent, `before` what became of the attempts before the last, in words.
    """

    status: int
    document: Any = None
    quota: QuotaLeft = field(default_factory=QuotaLeft)
    request_id: str | None = None
    partial_failure: str | None = None
    read_at: datetime | None = None
    attempts: int = 1
    before: tuple[str, ...] = ()


Announce = Callable[[float, float, str], Awaitable[None]]
"""Told while a call waits: the seconds it has waited, those it will have waited in all, and the reason."""


@dataclass(slots=True)
class WaitBudget:
    """How long a call may wait for quota: `seconds`, shared by all its requests.

    Requests of one call wait side by side; the time they wait together counts once. `reasons` is what for, each once.
    `announce` is told of waits that a person would notice, and meanwhile every few seconds.
    `ends` is when the call has to be over, waits and requests alike, on the clock of `monotonic`.
    """

    seconds: float
    announce: Announce | None = None
    reasons: list[str] = field(default_factory=list[str])
    ends: float = inf
    _waited: float = 0.0
    _waiting: int = 0
    _since: float = 0.0
    _announced: float = -1.0

    @property
    def waited(self) -> float:
        """Seconds that were spent so far."""
        return self._waited + (monotonic() - self._since if self._waiting else 0.0)

    def covers(self, wait: float) -> bool:
        """Whether a wait of this many seconds, from now, is still allowed."""
        return self.waited + wait <= self.seconds and self.has_time(wait)

    @property
    def left(self) -> float:
        """Seconds until the call has to be over; none or fewer when it has."""
        return self.ends - monotonic()

    def has_time(self, seconds: float) -> bool:
        """Whether the call may go on for longer than so many seconds."""
        return seconds < self.left

    async def sleep(self, wait: float, reason: str) -> None:
        """Wait for so many seconds; `reason` is for people."""
        end = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(wait, end.set_result, None)
        try:
            await self.until(end, wait, reason)
        finally:
            timer.cancel()

    async def until(self, future: "asyncio.Future[Any]", expected: float, reason: str) -> None:
        """Wait until a future is done, which is expected to take so many seconds. It is not cancelled with the wait."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        if not self._waiting:
            self._since = monotonic()
        self._waiting += 1
        end = monotonic() + expected
        try:
            while not future.done():
                await self._tell(end - monotonic(), reason)
                await asyncio.wait({future}, timeout=TELL_EVERY)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._add(monotonic() - self._since)

    def share(self, other: "WaitBudget", *, since: float) -> None:
        """Take over what another call has waited since it had waited so long, in place of this one too."""
        self._add(other.waited - since)
        self.reasons += [reason for reason in other.reasons if other.waited > since and reason not in self.reasons]

    def _add(self, seconds: float) -> None:
        self._waited += seconds
        if (looks := watcher.get()) is not None:
            looks.waits(seconds)

    async def _tell(self, left: float, reason: str) -> None:
        waited = self.waited
        if self.announce is not None and left >= WORTH_TELLING and waited > self._announced + MOST_OFTEN:
            self._announced = waited
            await self.announce(waited, waited + left, reason)
