"""Work that takes long and waits for nothing, done beside the event loop, so that others are answered meanwhile."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

Made = TypeVar("Made")

SIDE_BY_SIDE = CapacityLimiter(2)
"""Threads share one interpreter: more of them would end no sooner, and each makes the event loop wait once more."""


async def done(work: Callable[[], Made], *, long: bool) -> Made:
    """What a function makes; in a thread where that takes `long`, which a short call does not pay for."""
    return await run_sync(work, limiter=SIDE_BY_SIDE) if long else work()
