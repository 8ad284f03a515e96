"""What an account says of itself and calls need: its name, time zone and currency, and what they leave out.

All is kept for a while.
"""

from dataclasses import dataclass, field
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
    _found: dict[str, tuple[float, int, tuple[str, str]]] = field(
        default_factory=dict[str, tuple[float, int, tuple[str, str]]]
    )

    @property
    def are_fresh(self) -> bool:
        """Whether they were read within the last FRESH seconds."""
        return self._read_at is not None and monotonic() - self._read_at < FRESH

    def learn(self, timezone: str | None, currency: str | None, organisation: str | None = None) -> None:
        """Keep what was read just now; nothing that was known is forgotten where a read found nothing."""
        self.timezone, self.currency = timezone or self.timezone, currency or self.currency
        self.organisation = organisation or self.organisation
        self._read_at = monotonic()

    def found(self, finder: str, writes: int) -> tuple[str, str] | None:
        """Id and description of what a finder found within the last FRESH seconds, if nothing was written since.

        `writes` counts the writes of this process: any of them may have changed what would be found.
        """
        moment, before, thing = self._found.get(finder, (0.0, -1, ("", "")))
        return thing if before == writes and monotonic() - moment < FRESH else None

    def keep(self, finder: str, thing: tuple[str, str], writes: int) -> None:
        """Keep what a finder found, which was looked for after so many writes."""
        self._found[finder] = (monotonic(), writes, thing)
