"""Waiting for what passes: limits that are free again, a Klaviyo that is away for a while."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import anyio

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.jobs.refusals import told_of
from klaviyo_mcp.jobs.sending import LONGEST_WAIT, PASSING, WAITS, Trouble
from klaviyo_mcp.klaviyo.errors import ForeignAnswer, KlaviyoError

T = TypeVar("T")
LOOK_EVERY = 1.0
"""Seconds between two looks at what is asked of the job, while it waits."""


async def patiently(act: Callable[[], Awaitable[T]], asked: Callable[[], Awaitable[str]]) -> T:
    """What an act that can be repeated gives, tried again where its failure may pass.

    Raises Trouble for what does not pass, or when something else is asked for meanwhile.
    """
    waits = iter(WAITS)
    while True:
        try:
            return await act()
        except PASSING as error:
            seconds = next(waits, None)
            if error.retry_at is not None:
                left = error.retry_at - datetime.now(UTC)
                if left > LONGEST_WAIT:
                    at = f"{error.retry_at:%Y-%m-%d %H:%M} UTC"
                    raise Trouble(f"{error.message} It can be resumed at {at}.") from None
                seconds = max(0.0, left.total_seconds())
            if seconds is None or isinstance(error, ForeignAnswer):
                raise Trouble(told_of(error)) from None
            await _pass(seconds, asked)
        except (ActionError, KlaviyoError) as error:
            raise Trouble(told_of(error)) from None


async def _pass(seconds: float, asked: Callable[[], Awaitable[str]]) -> None:
    ends = anyio.current_time() + seconds
    while (left := ends - anyio.current_time()) > 0:
        await anyio.sleep(min(left, LOOK_EVERY))
        if await asked():
            raise Trouble("It was asked to stop while it waited.")
