"""What a run has to do with the database of jobs, waited for while that is away."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync

from klaviyo_mcp.jobs.errors import StoreAway, Superseded
from klaviyo_mcp.jobs.store import Job, JobStore

T = TypeVar("T")
LONGEST = 1_800.0
"""Seconds for which a database that is away is waited for."""
WAITS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts; the last goes on."""


async def stored(act: Callable[..., T], *given: Any, **named: Any) -> T:
    """Have the store do what can be done again at will. Raises what it raises, StoreAway after half an hour."""
    ends, waits = anyio.current_time() + LONGEST, iter(WAITS)
    while True:
        try:
            return await run_sync(partial(act, *given, **named))
        except StoreAway:
            if anyio.current_time() > ends:
                raise
            await anyio.sleep(next(waits, WAITS[-1]))


async def asked_of(store: JobStore, held: Job) -> str:
    """What was asked meanwhile of a job that a run has, as it was when that began: `pause`, `cancel` or "".

    Raises Superseded once another run has it.
    """
    job = await stored(store.job, held.id)
    if job.worker != held.worker or job.runs != held.runs or job.state != "running":
        raise Superseded
    return job.wish
