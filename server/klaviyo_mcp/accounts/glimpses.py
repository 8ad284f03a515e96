"""What this process has lately seen and sent of an account, for the rules that are asked before a write.

A reading is kept for some seconds, so that a call that is shown, confirmed and carried out reads the same once; any
write of ours forgets all of them. What was sent is remembered by a hash alone, to tell that it was sent before.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from time import monotonic
from typing import Any

KEPT_FOR = 5.0
"""Seconds for which a reading is kept."""
MOST_READINGS = 200
MOST_SENT = 20_000
"""Of one account; the oldest are forgotten first."""
MOST_ACCOUNTS = 500


@dataclass(slots=True)
class Glimpses:
    """Those of one account."""

    writes: int = 0
    """How many writes there have been: a reading that was begun before one is not kept after it."""
    _readings: OrderedDict[str, tuple[float, Any]] = field(default_factory=OrderedDict[str, tuple[float, Any]])
    _sent: OrderedDict[bytes, float] = field(default_factory=OrderedDict[bytes, float])

    def find(self, key: str) -> Any:
        """What was read lately, None if it was not."""
        moment, reading = self._readings.get(key, (0.0, None))
        return reading if monotonic() - moment < KEPT_FOR else None

    def keep(self, key: str, reading: Any, writes: int) -> None:
        """Keep a reading that was begun when there had been so many writes."""
        if writes == self.writes:
            self._readings[key] = (monotonic(), reading)
            while len(self._readings) > MOST_READINGS:
                self._readings.popitem(last=False)

    def wrote(self) -> None:
        """Something is being changed, or has been: what was read may no longer be so."""
        self.writes += 1
        self._readings.clear()

    def sent_within(self, seconds: float, parts: Iterable[str]) -> bool:
        """Whether this was sent so lately."""
        moment = self._sent.get(_hash(parts))
        return moment is not None and monotonic() - moment < seconds

    def send(self, parts: Iterable[str]) -> None:
        """Remember that this was sent."""
        key = _hash(parts)
        self._sent.pop(key, None)
        self._sent[key] = monotonic()
        while len(self._sent) > MOST_SENT:
            self._sent.popitem(last=False)


@dataclass(slots=True)
class AllGlimpses:
    """Those of all accounts of a process."""

    _of: OrderedDict[str, Glimpses] = field(default_factory=OrderedDict[str, Glimpses])

    def of(self, owner: str) -> Glimpses:
        """Those of one account."""
        found = self._of.setdefault(owner, Glimpses())
        self._of.move_to_end(owner)
        while len(self._of) > MOST_ACCOUNTS:
            self._of.popitem(last=False)
        return found


def _hash(parts: Iterable[str]) -> bytes:
    return blake2b(repr([*parts]).encode(), digest_size=16).digest()
