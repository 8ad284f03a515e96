"""Time in the sandbox: every timestamp, window and delayed job reads one clock, which tests can move by hand."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that can tell the time."""

    def now(self) -> datetime:
        """The current moment, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The current moment in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is advanced."""

    def __init__(self, start: datetime | None = None) -> None:
        """Start at `start` (timezone-aware), or at the present moment."""
        self._now = (start or datetime.now(UTC)).astimezone(UTC)

    def now(self) -> datetime:
        """The moment the clock was last moved to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._now += timedelta(seconds=seconds)


class ScaledClock:
    """Another clock at another speed: at 60, a minute passes in a second of the other's."""

    def __init__(self, base: Clock, speed: float) -> None:
        """Start at the base clock's present moment. Raises ValueError unless `speed` is positive and finite."""
        if not 0 < speed < float("inf"):
            raise ValueError(f"The speed of the sandbox's clock must be a positive number, not {speed!r}.")
        self._base = base
        self._speed = speed
        self._start = base.now()

    def now(self) -> datetime:
        """The start plus what has passed since, times the speed."""
        return self._start + (self._base.now() - self._start) * self._speed


class ShiftedClock:
    """Another clock plus an offset: how `POST /_sandbox/clock` moves time whatever clock the app was given."""

    def __init__(self, base: Clock) -> None:
        """Follow `base`, at first without an offset."""
        self._base = base
        self._offset = timedelta()

    @property
    def by_hand(self) -> bool:
        """Whether time moves only when somebody moves it."""
        return isinstance(self._base, ManualClock)

    def now(self) -> datetime:
        """The base clock's moment, shifted."""
        return self._base.now() + self._offset

    def advance(self, seconds: float) -> None:
        """Shift forward by `seconds` more."""
        self._offset += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Follow the base clock again without an offset."""
        self._offset = timedelta()


def iso(moment: datetime) -> str:
    """`moment` as Klaviyo writes it in attributes: `2026-07-15T09:30:00+00:00`, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def exact(moment: datetime) -> str:
    """`moment` as Klaviyo writes what it has just noted: `2026-07-15T09:30:00.123456+00:00`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_moment(text: str) -> datetime | None:
    """The moment an RFC 3339 string names, in UTC, or None when it names none. A missing offset means UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, which is how the store keeps moments: exact, and in order whatever their offset."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """The moment that many microseconds after the start of 1970."""
    return _EPOCH + timedelta(microseconds=micros)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
