"""A change of the vault's key, for what jobs hold: nothing is loaded where there is no database of them."""

from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from klaviyo_mcp.runtime.job_places import jobs_file
from klaviyo_mcp.runtime.settings import Settings

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.resealing import Resealed

NOTICED_WITHIN = 1.5
"""Seconds after which every process that keeps jobs in a file here seals with a key that was put first."""


async def reseal_jobs(settings: Settings) -> "Resealed | None":
    """Seal what jobs hold with the first key; None where there are none. Raises StoreProblem and VaultProblem."""
    path = jobs_file(settings)
    if path is not None:
        if not path.is_file():
            return None
        await anyio.sleep(NOTICED_WITHIN)
    return await run_sync(_resealed, settings)


def _resealed(settings: Settings) -> "Resealed":
    from klaviyo_mcp.jobs.resealing import reseal
    from klaviyo_mcp.runtime.jobs import job_keys, open_store

    store, keys = open_store(settings), job_keys(settings)
    opener = keys.opener()
    assert opener is not None  # noqa: S101 - `open_store` has made one, if there was none
    try:
        return reseal(store.engine, keys.first(), opener)
    finally:
        store.close()
