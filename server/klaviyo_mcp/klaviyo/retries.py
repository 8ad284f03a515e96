"""Which faults a request may be repeated after, and the pauses between. One table says it, by fault and by request.

A request is a `read`, `idempotent` (a second time has the effect of one: the spec says so, or an idempotency key does),
or `once`. What may have been carried out is never repeated for the last.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from klaviyo_mcp.klaviyo.errors import (
    AnswerTimeout,
    AnswerTooLarge,
    CertificateRefused,
    ConnectionFailed,
    ConnectionLost,
    ForeignAnswer,
    KlaviyoError,
    NotFound,
    OutcomeUnknown,
    ProxyRefused,
    RequestOutcome,
    SentInPart,
    ServerError,
    Throttled,
    UnreadableAnswer,
)
from klaviyo_mcp.klaviyo.requests import ApiRequest, Repeatable, Reply, WaitBudget

if TYPE_CHECKING:
    from tenacity import RetryCallState


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault: which errors it is, which requests are sent again after it, and how often in all."""

    name: str
    kinds: tuple[type[KlaviyoError], ...]
    statuses: frozenset[int] | None
    repeats: frozenset[Repeatable]
    attempts: int


ANY: frozenset[Repeatable] = frozenset(("read", "idempotent", "once"))
HARMLESS: frozenset[Repeatable] = frozenset(("read", "idempotent"))
NONE: frozenset[Repeatable] = frozenset()
MANY = 1_000
"""No number of its own: the wait that a call may take is the end."""

FAULTS = (
    # What a person has to mend does not mend itself.
    Fault("certificate or proxy", (CertificateRefused, ProxyRefused), None, NONE, 1),
    # No name, no listener, no handshake: nothing left, so nothing can have been done.
    Fault("no connection", (ConnectionFailed,), None, ANY, 3),
    # A body that is not whole cannot have been carried out.
    Fault("broken while sending", (SentInPart,), None, ANY, 3),
    # Klaviyo counts a request before it looks at it. It says when there is room again.
    Fault("throttled", (Throttled,), None, ANY, MANY),
    # Nobody had an answer in time. Once more only: a call that waits for minutes is of no use.
    Fault("no answer in time", (AnswerTimeout,), None, HARMLESS, 2),
    # A kept connection that was closed just then, a reset, half an answer.
    Fault("connection lost", (ConnectionLost,), None, HARMLESS, 3),
    # Passing by nature. Also 503 with Retry-After: a gateway says it as well when the work behind it was done.
    Fault("server error", (ServerError,), frozenset((500, 502, 503, 504, *range(520, 528))), HARMLESS, 3),
    # A proxy's own "too slow" and "too many".
    Fault("proxy is busy", (ForeignAnswer,), frozenset((408, 425, 429, 499)), HARMLESS, 3),
    # Klaviyo has carried it out, and its answer came garbled; one that is too large is so every time.
    Fault("answer too large", (AnswerTooLarge,), None, NONE, 1),
    Fault("garbled answer", (UnreadableAnswer,), None, HARMLESS, 2),
    # A login page or a firewall answers alike until a person does something.
    Fault("not Klaviyo", (ForeignAnswer,), None, NONE, 1),
)
"""The first that fits counts; what fits none, such as a refusal or a stop, is never repeated."""
SCARCE_ATTEMPTS = 2
"""Attempts for a request that draws on a daily quota, where each may count."""
BASE, LONGEST = 0.5, 8.0
"""Seconds: the pause before the n-th repetition is anything up to BASE * 2^n, and LONGEST (full jitter)."""
DAY = 86_400


@dataclass(slots=True)
class Sending:
    """One request on its way, with all its attempts. `paced` says that it waits in the quota's line when throttled."""

    outgoing: ApiRequest
    budget: WaitBudget
    paced: bool = False
    attempts: int = 0
    before: list[str] = field(default_factory=list[str])
    unknown: bool = False
    throttled: bool = False
    """Whether the last attempt was refused for want of quota, and nothing else."""
    _pause: float = 0.0
    _asked_for: str = ""

    async def run(self, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        """The reply of the first attempt that has one. Raises the KlaviyoError of the last one.

        An attempt that may have been carried out leaves that open, whatever a later one is answered.
        """
        failed: list[KlaviyoError] = []

        async def counted() -> Reply:
            if failed:
                raise failed.pop()
            self.attempts += 1
            return await attempt()

        try:
            # Most requests need no repetition, and nothing of what it takes.
            return await counted()
        except KlaviyoError as error:
            failed.append(error)
        # Imported at the first failure: it takes some 10 ms.
        from tenacity import AsyncRetrying, wait_random_exponential

        jitter = wait_random_exponential(multiplier=BASE, max=LONGEST)
        retrying = AsyncRetrying(
            sleep=self._sleep,
            retry=lambda state: self._goes_on(state, jitter(state)),
            wait=lambda _: self._pause,
            reraise=True,
        )
        try:
            return await retrying(counted)
        except KlaviyoError as error:
            error.attempts, error.before = max(self.attempts, 1), tuple(self.before)
            if self.unknown and error.outcome is not RequestOutcome.DONE:
                error.outcome = RequestOutcome.UNKNOWN
            raise

    def _goes_on(self, state: "RetryCallState", jitter: float) -> bool:
        """Whether there is another attempt; if so, its pause is set, and taken off what a call may wait."""
        error = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(error, KlaviyoError) or not may_repeat(error, self.outgoing, state.attempt_number):
            return False
        self.throttled = isinstance(error, Throttled)
        pause, self._asked_for = jitter, ""
        if error.retry_at is not None:
            asked = (error.retry_at - datetime.now(UTC)).total_seconds()
            pause = max(asked, 0.0 if self.throttled else jitter)
            if not self.budget.covers(pause):
                return False
            what = self.outgoing.operation or self.outgoing.path
            self._asked_for = f"Klaviyo asked for a pause ({error.status or 0}) before {what}"
        elif not self.budget.has_time(pause):
            return False
        if self.throttled and self.paced:
            pause = 0.0
        if not self.throttled:
            self.before.append(error.message)
        self.unknown = self.unknown or isinstance(error, OutcomeUnknown)
        self._pause = pause
        return True

    async def _sleep(self, pause: float) -> None:
        """A pause that Klaviyo asked for is a wait of the call, and told as one."""
        if self._asked_for and pause:
            await self.budget.sleep(pause, self._asked_for)
        else:
            await asyncio.sleep(pause)


def may_repeat(error: KlaviyoError, outgoing: ApiRequest, attempts: int) -> bool:
    """Whether the table lets a request be sent again after this error and so many attempts."""
    fault = fault_of(error)
    if fault is None or outgoing.repeatable not in fault.repeats:
        return False
    scarce = fault.attempts < MANY and any(bucket.seconds >= DAY for bucket in outgoing.buckets)
    return attempts < (min(fault.attempts, SCARCE_ATTEMPTS) if scarce else fault.attempts)


def fault_of(error: KlaviyoError) -> Fault | None:
    """The row of the table that an error belongs to."""
    fitting = (
        fault
        for fault in FAULTS
        if isinstance(error, fault.kinds) and (fault.statuses is None or error.status in fault.statuses)
    )
    return next(fitting, None)


def found_gone(error: KlaviyoError) -> bool:
    """Whether a repetition found nothing after an attempt of unknown outcome, as it would had that been carried out."""
    return isinstance(error, NotFound) and error.outcome is RequestOutcome.UNKNOWN
