"""How many requests Klaviyo has had of us lately, kept exactly: what may be sent now, and how long until there is room.

Klaviyo counts in fixed windows whose start is not seen. So a request counts here from when it leaves until a whole
window after its answer, because it reached Klaviyo somewhere in between: no window of Klaviyo's, wherever it starts,
has more than allowed. Where an answer tells when Klaviyo's window ends, what it counted is forgotten then.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from klaviyo_mcp.klaviyo.rate_headers import Said
from klaviyo_mcp.klaviyo.requests import Bucket

GRACE = 2.0
"""Seconds within which a request that left has reached Klaviyo, whether or not it has been answered.

With any longer time slow answers would cost some of what the steady limits allow: 3 in a second are 60 in a minute."""
SOON = 0.01
"""Seconds that a wait is never shorter than: less is not worth asking again for."""
ROUNDING = 1.0
"""Seconds by which the end of a window may be later than Klaviyo says."""


@dataclass(frozen=True, slots=True)
class Wait:
    """No room for so many seconds, because of `bucket`; None where Klaviyo itself asked for a pause."""

    seconds: float
    bucket: Bucket | None = None


class Ledger(Protocol):
    """The counts of one account. A turn is one request, by a name of its own."""

    async def take(self, turn: str, buckets: tuple[Bucket, ...]) -> Wait | None:
        """Count a request against every bucket, or, where one has no room, against none."""
        ...

    async def estimate(self, buckets: tuple[Bucket, ...], ahead: int) -> Wait | None:
        """How long it takes until there is room after so many others; nothing is counted."""
        ...

    async def settle(self, turn: str, buckets: tuple[Bucket, ...], said: list[Said]) -> None:
        """A request was answered, and what Klaviyo said beside."""
        ...

    async def give_back(self, turn: str, buckets: tuple[Bucket, ...]) -> None:
        """A request never left."""
        ...

    async def pause(self, names: Iterable[str], seconds: float) -> None:
        """Klaviyo wants nothing for these buckets for so many seconds."""
        ...


class Window:
    """The requests that count in one window of an operation: those answered, by when they end, and those under way."""

    def __init__(self, seconds: int) -> None:
        """Nothing counts yet."""
        self._seconds = seconds
        self._ends: list[float] = []
        self._under_way: dict[str, float] = {}

    def wait(self, amount: int, now: float, ahead: int = 0) -> float:
        """Seconds until `amount` requests leave room for one more, after `ahead` others; 0 when there is room.

        It may take up to GRACE longer, for requests under way that are not answered at once.
        """
        self._forget(now)
        over = len(self._ends) + len(self._under_way) + ahead - amount
        if over < 0:
            return 0.0
        ends = sorted([*self._ends, *(end - GRACE for end in self._under_way.values())])
        # Those ahead count for a window themselves, once their turn has come.
        rounds = max(0, -((len(ends) - over - 1) // amount))
        place = over - rounds * amount
        return max((ends[place] - now if place >= 0 else 0.0) + rounds * self._seconds, SOON)

    def enter(self, turn: str, now: float) -> None:
        """A request leaves."""
        self._under_way[turn] = now + self._seconds + GRACE

    def settle(self, turn: str, now: float) -> None:
        """It was answered."""
        if (latest := self._under_way.pop(turn, None)) is not None:
            insort(self._ends, min(latest, now + self._seconds))

    def leave(self, turn: str) -> None:
        """It never left."""
        self._under_way.pop(turn, None)

    def correct(self, said: Said, now: float) -> None:
        """Believe Klaviyo: others may have used what we think is left, and its window may end before ours."""
        self._forget(now)
        end = now + self._seconds
        if said.reset is not None:
            end = min(end, now + said.reset + ROUNDING)
            place = bisect_right(self._ends, end)
            self._ends[place:] = [end] * (len(self._ends) - place)
        if said.left is not None:
            unknown = said.amount - said.left - len(self._ends) - len(self._under_way)
            self._ends += [end] * unknown

    def _forget(self, now: float) -> None:
        del self._ends[: bisect_right(self._ends, now)]
        for turn in [turn for turn, end in self._under_way.items() if end <= now]:
            del self._under_way[turn]


@dataclass(slots=True)
class MemoryLedger:
    """A ledger of this process alone."""

    _windows: dict[tuple[str, int], Window] = field(default_factory=dict[tuple[str, int], Window])
    _pauses: dict[str, float] = field(default_factory=dict[str, float])

    async def take(self, turn: str, buckets: tuple[Bucket, ...]) -> Wait | None:
        """See Ledger."""
        wait = await self.estimate(buckets, 0)
        if wait is None:
            now = monotonic()
            for bucket in buckets:
                self._window(bucket.name, bucket.seconds).enter(turn, now)
        return wait

    async def estimate(self, buckets: tuple[Bucket, ...], ahead: int) -> Wait | None:
        """See Ledger."""
        now = monotonic()
        longest = Wait(max((self._pauses.get(bucket.name, now) for bucket in buckets), default=now) - now)
        for bucket in buckets:
            wait = self._window(bucket.name, bucket.seconds).wait(bucket.amount, now, ahead)
            if wait > longest.seconds:
                longest = Wait(wait, bucket)
        return longest if longest.seconds > 0 else None

    async def settle(self, turn: str, buckets: tuple[Bucket, ...], said: list[Said]) -> None:
        """See Ledger."""
        now = monotonic()
        for bucket in buckets:
            self._window(bucket.name, bucket.seconds).settle(turn, now)
        for one in said:
            self._window(one.name, one.seconds).correct(one, now)

    async def give_back(self, turn: str, buckets: tuple[Bucket, ...]) -> None:
        """See Ledger."""
        for bucket in buckets:
            self._window(bucket.name, bucket.seconds).leave(turn)

    async def pause(self, names: Iterable[str], seconds: float) -> None:
        """See Ledger."""
        until = monotonic() + seconds
        for name in names:
            self._pauses[name] = max(until, self._pauses.get(name, until))

    def _window(self, name: str, seconds: int) -> Window:
        return self._windows.setdefault((name, seconds), Window(seconds))
