"""Klaviyo's rate limits, kept on our side before a request is sent, so that 429s are rare.

Klaviyo counts in fixed windows whose start we cannot see; a moving window of the same size never exceeds a fixed one.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from time import time
from typing import TYPE_CHECKING

from klaviyo_mcp.klaviyo.errors import QuotaExhausted
from klaviyo_mcp.klaviyo.requests import Bucket, WaitBudget

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.strategies import MovingWindowRateLimiter


class Quota:
    """The quota of one account. All private keys of an account share one, so there is one of these per account."""

    def __init__(self) -> None:
        """Counts are kept in memory and begin at zero."""
        self._limiter: MovingWindowRateLimiter | None = None
        self._items: dict[Bucket, RateLimitItem] = {}

    async def take(self, buckets: Iterable[Bucket], budget: WaitBudget) -> None:
        """Count one request against every bucket, waiting for room as long as `budget` covers it.

        Raises QuotaExhausted, with the time at which there is room again, when the wait would be too long.
        """
        # The smallest window first: what it counted before a larger one refuses is forgotten a second later.
        for bucket in sorted(buckets, key=lambda bucket: bucket.seconds):
            while (wait := await self._hit(bucket)) > 0:
                limit = f"Klaviyo allows {bucket.amount} requests per {_window(bucket.seconds)} for {bucket.name}"
                if not budget.covers(wait):
                    raise QuotaExhausted(
                        f"{limit}; they are used up for another {wait:.0f} s.",
                        retry_at=datetime.now(UTC) + timedelta(seconds=wait),
                    )
                budget.spend(wait, limit)
                await asyncio.sleep(wait)

    async def _hit(self, bucket: Bucket) -> float:
        """Count a request; 0 when there was room, else the seconds until there is."""
        limiter, item = self._limiter_and_item(bucket)
        if await limiter.hit(item, bucket.name):
            return 0.0
        window = await limiter.get_window_stats(item, bucket.name)
        return max(window.reset_time - time(), 0.01)

    def _limiter_and_item(self, bucket: Bucket) -> "tuple[MovingWindowRateLimiter, RateLimitItem]":
        if self._limiter is None:
            # Imported at the first call: 60 ms that a server's start-up need not pay.
            from limits.aio.storage import MemoryStorage
            from limits.aio.strategies import MovingWindowRateLimiter

            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        if bucket not in self._items:
            from limits import RateLimitItemPerSecond  # loaded by now

            self._items[bucket] = RateLimitItemPerSecond(bucket.amount, bucket.seconds)
        return self._limiter, self._items[bucket]


def _window(seconds: int) -> str:
    return {1: "second", 60: "minute", 86400: "day"}.get(seconds, f"{seconds} s")
