"""What an account says of itself: its name, and the time zone and currency that reports need, kept for a while."""

from dataclasses import dataclass
from time import monotonic

FRESH = 600.0
"""Seconds for which facts hold; an account's time zone hardly ever changes."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class AccountFacts:
    """Shared by all that open the same account. `timezone` is an IANA name, `currency` a code such as EUR.

    `organisation` is what the company is called in Klaviyo. None is what is not known.
    """

    timezone: str | None = None
    currency: str | None = None
    organisation: str | None = None
    _read_at: float | None = None

    @property
    def are_fresh(self) -> bool:
        """Whether they were read within the last FRESH seconds."""
        return self._read_at is not None and monotonic() - self._read_at < FRESH

    def learn(self, timezone: str | None, currency: str | None, organisation: str | None = None) -> None:
        """Keep what was read just now; nothing that was known is forgotten where a read found nothing."""
        self.timezone, self.currency = timezone or self.timezone, currency or self.currency
        self.organisation = organisation or self.organisation
        self._read_at = monotonic()
