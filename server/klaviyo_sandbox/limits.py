"""Klaviyo's rate limits: fixed windows of a second, a minute and sometimes a day, per account and operation.

Counts are kept in the ledger: processes that share a state file share their quota too.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from klaviyo_sandbox.declare import Operation
from klaviyo_sandbox.errors import ApiError, Problem
from klaviyo_sandbox.facts import Limits
from klaviyo_sandbox.query import Query
from klaviyo_sandbox.storage.ledger import Ledger

_DAY = 86400
# Recorded headers speak of the allowance for counting the members of a group, and not of that for a profile's groups.
_TOLD = "=profile_count"


@dataclass(slots=True)
class _Window:
    """One fixed window: it starts with the first request after the last one ended."""

    name: str
    seconds: int
    most: int
    started: float
    used: int

    def roll(self, now: float) -> None:
        if not self.started <= now < self.started + self.seconds:
            self.started, self.used = now, 0

    @property
    def left(self) -> int:
        return self.most - self.used

    def reset_in(self, now: float) -> float:
        return self.started + self.seconds - now


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The windows of every owner of a quota: an account, or an app that was given access to one."""

    ledger: Ledger
    enabled: bool = True

    def admit(self, owner: str, operation: Operation, moment: datetime) -> dict[str, str]:
        """Count a request and give the answer's RateLimit headers. Raises ApiError (429) when a window is full."""
        return self.count([(operation.name, operation.limits)], owner, moment)

    def admit_parameters(self, owner: str, operation: Operation, query: Query, moment: datetime) -> dict[str, str]:
        """Count what the query string asks for beyond the ordinary. Raises ApiError (429).

        Gives the RateLimit headers that take the place of the operation's own, where Klaviyo tells of the further
        allowance at all.
        """
        buckets = [(words, limits) for words, limits in operation.extra_limits.items() if _asks(query, words)]
        headers = self.count(buckets, owner, moment) if buckets else {}
        return headers if any(words.endswith(_TOLD) for words, _ in buckets) else {}

    def count(self, buckets: list[tuple[str, Limits]], owner: str, moment: datetime) -> dict[str, str]:
        """Count one use of each bucket, and give the RateLimit headers. Raises ApiError (429) when one is full."""
        if not self.enabled:
            return {}
        now = moment.timestamp()
        with self.ledger.holding():
            windows = [window for name, limits in buckets for window in self._windows(owner, name, limits)]
            for window in windows:
                window.roll(now)
            waits = [window.reset_in(now) for window in windows if window.left <= 0]
            if waits:
                raise throttled(max(1, ceil(max(waits))))
            for window in windows:
                window.used += 1
                self.ledger.use(owner, window.name, window.seconds, (window.started, window.used))
        return _headers(windows, now)

    def _windows(self, owner: str, name: str, limits: Limits) -> list[_Window]:
        sizes = [(1, limits.burst), (60, limits.steady), *([(_DAY, limits.daily)] if limits.daily else [])]
        return [_Window(name, seconds, most, *self.ledger.usage(owner, name, seconds)) for seconds, most in sizes]


def _asks(query: Query, words: str) -> bool:
    """Whether a query has what draws from a further allowance: `include=lists`, `additional-fields[list]=NAME`."""
    parameter, _, value = words.partition("=")
    if parameter == "include":
        return value in query.include
    kind = parameter.removeprefix("additional-fields[").removesuffix("]")
    return value in query.additional.get(kind, ()) or value in query.fields.get(kind, ())


def throttled(seconds: int) -> ApiError:
    """429, to be tried again after `seconds`."""
    detail = f"Request was throttled. Expected available in {seconds} second{'' if seconds == 1 else 's'}."
    links = {"type": "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#rate-limits"}
    problem = Problem("throttled", "Request was throttled.", detail, {"pointer": "/data"}, links=links)
    return ApiError(429, [problem], {"Retry-After": str(seconds)})


def _headers(windows: list[_Window], now: float) -> dict[str, str]:
    # The leading number belongs to the window that binds: the one with the fewest requests left.
    short = [window for window in windows if window.seconds < _DAY]
    binding = min(short, key=lambda window: window.left)
    policy = ", ".join(f"{window.most};w={window.seconds}" for window in windows)
    headers = {
        "RateLimit-Limit": f"{binding.most}, {policy}",
        "RateLimit-Remaining": str(binding.left),
        "RateLimit-Reset": str(_whole(binding.reset_in(now))),
    }
    for window in windows:
        if window.seconds == _DAY:
            headers["RateLimit-Remaining-Daily"] = str(window.left)
            headers["RateLimit-Reset-Daily"] = str(_whole(window.reset_in(now)))
    return headers


def _whole(seconds: float) -> int:
    """Whole seconds before a window ends; 0 throughout a burst window, as recordings of the live service show."""
    return max(0, ceil(seconds) - 1)
