"""A circuit breaker: a Klaviyo that fails again and again is left alone for a while, and then asked once."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic

from klaviyo_mcp.klaviyo.errors import (
    AnswerTimeout,
    CertificateRefused,
    CircuitOpen,
    ConnectionFailed,
    ConnectionLost,
    KlaviyoError,
    NotSent,
    ProxyRefused,
    SentInPart,
    ServerError,
)
from klaviyo_mcp.klaviyo.quota import moment_in

OPENS_AFTER = 5
"""Requests in a row that failed, each with all its repetitions, after which nothing is sent any more."""
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 60.0
"""Seconds without a request; they double with each probe that fails."""
FAILURES = (ConnectionFailed, SentInPart, AnswerTimeout, ConnectionLost, ServerError)
A_PERSONS = (CertificateRefused, ProxyRefused)
"""What a person has to mend: told as it is each time, and no sign that Klaviyo is down."""


class Breaker:
    """What the requests of one account to one host have met. Closed, it lets all through; open, none but a probe."""

    def __init__(self, host: str, clock: Callable[[], float] = monotonic) -> None:
        """`host` is for people."""
        self._host = host
        self._clock = clock
        self._failed = 0
        self._pause = FIRST_PAUSE
        self._open_until: float | None = None
        self._probing = False

    @contextmanager
    def guarding(self) -> Generator[None]:
        """Around one request. Raises CircuitOpen where it must not be sent, and learns from what becomes of it."""
        probe = self._admit()
        try:
            yield
        except KlaviyoError as error:
            if isinstance(error, FAILURES) and not isinstance(error, A_PERSONS):
                self._has_failed(probe=probe)
            elif not isinstance(error, NotSent):
                self._works()
            raise
        else:
            self._works()
        finally:
            if probe:
                self._probing = False

    def _admit(self) -> bool:
        """Whether the request is a probe. Raises CircuitOpen."""
        if self._open_until is None:
            return False
        left = self._open_until - self._clock()
        if left > 0 or self._probing:
            raise CircuitOpen(
                f"{self._host} has failed {self._failed} times in a row, so nothing is sent there for the moment.",
                retry_at=moment_in(max(left, 1.0)),
            )
        self._probing = True
        return True

    def _has_failed(self, *, probe: bool) -> None:
        self._failed += 1
        if probe:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if probe or (self._failed >= OPENS_AFTER and self._open_until is None):
            self._open_until = self._clock() + self._pause

    def _works(self) -> None:
        self._failed, self._pause, self._open_until = 0, FIRST_PAUSE, None
