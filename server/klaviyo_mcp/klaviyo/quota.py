"""Klaviyo's rate limits, kept on our side before a request is sent, so that 429s are rare.

Callers wait in a line for each operation and each allowance that operations share. Whoever is at its head asks the
ledger, and what Klaviyo answers corrects the ledger: other programs use the same account.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from os import getpid
from uuid import uuid4

from klaviyo_mcp.klaviyo.errors import AllowanceExhausted, QuotaExhausted
from klaviyo_mcp.klaviyo.ledger import GRACE, Ledger, MemoryLedger, Wait
from klaviyo_mcp.klaviyo.line import Line
from klaviyo_mcp.klaviyo.rate_headers import retry_after, said
from klaviyo_mcp.klaviyo.requests import DAY, Bucket, WaitBudget

Buckets = tuple[Bucket, ...]
SHORTEST_PAUSE = 1.0
"""Seconds to wait after a 429 that does not say how long."""
LONGEST_GUESS = 60.0
"""Seconds that a pause lasts at most which a proxy asks for, or an outage: it may be over sooner than was guessed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request that was counted, so that it may leave."""

    name: str
    buckets: Buckets
    quota: "Quota"

    async def answered(self, status: int, headers: Mapping[str, str], *, klaviyos: bool = True) -> None:
        """It was answered so. A pause that is asked for is everybody's; `klaviyos` says that it is Klaviyo that asks.

        Where an allowance that operations share is in play, the pause is that one's: it is narrower by far.
        """
        await self.quota.learn(self, headers)
        pause = retry_after(headers) or (SHORTEST_PAUSE if status == 429 else None)
        if pause is not None and status in (429, 503):
            names = list(dict.fromkeys(bucket.name for bucket in self.buckets))
            pause = pause if klaviyos and status == 429 else min(pause, LONGEST_GUESS)
            await self.quota.ledger.pause(names[1:] or names, pause)

    async def give_back(self) -> None:
        """It never left."""
        await self.quota.ledger.give_back(self.name, self.buckets)


class Quota:
    """The quota of one account. All private keys of an account share one, so there is one of these per account."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        """Counts are kept in memory and begin at zero, unless `ledger` is another."""
        self.ledger = ledger or MemoryLedger()
        self._lines: dict[str, Line] = {}
        self._amounts: dict[tuple[str, int], int] = {}
        # Names of turns have to differ between the processes that share a ledger.
        self._names = map(f"{getpid():x}-{uuid4().hex[:8]}-{{:x}}".format, count())

    async def take(self, buckets: Iterable[Bucket], budget: WaitBudget, *, again: bool = False) -> Turn:
        """Count one request against every bucket, waiting for one's turn as long as `budget` covers it.

        The buckets of the operation itself stand first. `again` is for a request that had its turn and was refused: it
        stands before all others that wait. Raises QuotaExhausted, with the time at which there is room again, as soon
        as it is known that the wait would be too long; nothing is counted then.
        """
        turn = Turn(next(self._names), self._as_learned(buckets), self)
        own = turn.buckets[0].name if turn.buckets else ""
        async with self._at_the_head(turn.buckets, budget, again):
            while (wait := await self._taken(turn)) is not None:
                await self._sleep(wait, budget, own)
        return turn

    async def learn(self, turn: Turn, headers: Mapping[str, str]) -> None:
        """What the answer to a request says about the quota."""
        found = said(headers, turn.buckets)
        for one in found:
            self._amounts[one.name, one.seconds] = one.amount
        await self.ledger.settle(turn.name, turn.buckets, found)

    def _as_learned(self, buckets: Iterable[Bucket]) -> Buckets:
        """The buckets with the limits that Klaviyo itself has told, where they are others for this account."""
        return tuple(
            replace(bucket, amount=self._amounts.get((bucket.name, bucket.seconds), bucket.amount))
            for bucket in buckets
        )

    async def _taken(self, turn: Turn) -> Wait | None:
        try:
            return await self.ledger.take(turn.name, turn.buckets)
        except BaseException:
            # Cancelled in the middle: it may have been counted.
            await turn.give_back()
            raise

    @asynccontextmanager
    async def _at_the_head(self, buckets: Buckets, budget: WaitBudget, again: bool) -> AsyncGenerator[None]:
        """At the head of every line concerned; that of the operation itself comes last.

        So who waits for an allowance that operations share holds up nobody who does not ask for it.
        """
        names = list(dict.fromkeys(bucket.name for bucket in buckets))
        with ExitStack() as held:
            for name in reversed(names):
                line = self._lines.setdefault(name, Line())
                ahead = min(line.length, 1) if again else line.length
                place = line.join(first=again)
                held.callback(line.quit, place)
                own = buckets if len(names) == 1 else tuple(bucket for bucket in buckets if bucket.name == name)
                if not place.done():
                    wait = await self.ledger.estimate(own, ahead) or Wait(0.0, own[0])
                    self._check(wait, budget, names[0])
                    await budget.until(place, wait.seconds, _reason(wait, names[0]))
                while len(names) > 1 and (wait := await self.ledger.estimate(own, 0)) is not None:
                    await self._sleep(wait, budget, names[0])
            yield

    async def _sleep(self, wait: Wait, budget: WaitBudget, own: str) -> None:
        # Who has waited as long as was foreseen is not sent away for the moment that it takes longer.
        self._check(wait, budget, own, GRACE if budget.waited else 0.0)
        await budget.sleep(wait.seconds, _reason(wait, own))

    def _check(self, wait: Wait, budget: WaitBudget, own: str, slack: float = 0.0) -> None:
        if budget.covers(wait.seconds - slack):
            return
        message = f"{_reason(wait, own)}; there is no room for another {_for_people(wait.seconds)}."
        retry_at = moment_in(wait.seconds)
        if wait.bucket is not None and wait.bucket.name != own:
            raise AllowanceExhausted(message, allowance=wait.bucket.name, retry_at=retry_at)
        raise QuotaExhausted(message, retry_at=retry_at)


def moment_in(seconds: float) -> datetime:
    """The moment in so many seconds, rounded up: a retry that is told by the second must not come too early."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)


def _reason(wait: Wait, own: str) -> str:
    if wait.bucket is None:
        return f"Klaviyo asked for a pause before {own}"
    return f"Klaviyo allows {wait.bucket.amount} requests per {_window(wait.bucket.seconds)} for {wait.bucket.name}"


def _window(seconds: int) -> str:
    return {1: "second", 60: "minute", DAY: "day"}.get(seconds, f"{seconds} s")


def _for_people(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 600
        else f"{seconds / 60:.0f} minutes"
        if seconds < 7200
        else f"{seconds / 3600:.0f} hours"
    )
