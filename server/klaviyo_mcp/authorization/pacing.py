"""How often what may be asked: token buckets, each of which holds a burst and fills at an even pace.

Here is what is limited, and a count for one process; whoever runs several brings a `Pace` that they share.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal, Protocol

Limited = Literal[
    "requests", "refreshes", "authorizations", "registrations", "all_registrations", "documents", "uploads", "downloads"
]
MOST_KEPT = 20_000
"""Buckets in memory; beyond them, the one that was asked for longest ago counts as full."""
SMALLEST = 1e-6
"""Seconds that are no wait: what adding numbers up leaves."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket that holds `burst`, and the seconds `each` takes to come back."""

    burst: int
    each: float

    @property
    def words(self) -> str:
        """For people."""
        pace = f"{1 / self.each:g} a second" if self.each < 1 else f"{round(60 / self.each)} a minute"
        return f"{pace}, after a burst of {self.burst:,}"


RATES: dict[Limited, Rate] = {
    "requests": Rate(60, 1 / 20),
    "refreshes": Rate(30, 2.0),
    "authorizations": Rate(60, 1.0),
    "registrations": Rate(60, 1.0),
    "all_registrations": Rate(1_000, 3.6),
    "documents": Rate(10, 6.0),
    "uploads": Rate(20, 6.0),
    "downloads": Rate(20, 6.0),
}
"""Requests to MCP by grant, refreshes by grant, authorizations and registrations by address, registrations in all,
documents of clients that are fetched by the host they lie at, and uploads and downloads by account."""


class Pace(Protocol):
    """Counts what is limited."""

    async def take(self, limited: Limited, key: str) -> float:
        """Count one by `key`: 0.0, or the seconds after which there is room for it. Raises nothing."""
        ...


class OwnPace:
    """Counts for this process alone."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` may be set back: no bucket takes longer to fill than from its bottom."""
        self._clock = clock
        self._full: OrderedDict[tuple[Limited, str], float] = OrderedDict()

    async def take(self, limited: Limited, key: str) -> float:
        """See Pace."""
        rate, now = RATES[limited], self._clock()
        most = rate.burst * rate.each
        before = min(max(self._full.pop((limited, key), now), now), now + most)
        full = before + rate.each
        wait = full - now - most
        self._full[limited, key] = before if wait > SMALLEST else full
        while len(self._full) > MOST_KEPT:
            self._full.popitem(last=False)
        return wait if wait > SMALLEST else 0.0
