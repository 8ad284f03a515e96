"""How many jobs an account may have under way at a service for many, as those of all others want their turn."""

from typing import TYPE_CHECKING

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.services import ServiceProblem

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import JobStore


def refuse_too_many(store: "JobStore", account: Account, most: int) -> None:
    """Raises ServiceProblem where an account has as many jobs under way as it may."""
    from klaviyo_mcp.jobs.store import UNDER_WAY  # with the database
    from klaviyo_mcp.runtime.jobs import whose

    under_way = store.jobs(whose=whose(account), states=UNDER_WAY)
    if len(under_way) >= most:
        raise ServiceProblem(
            f"{len(under_way)} jobs of this account are under way, as many as there may be at this service.",
            f"Wait for one of them with wait_for_job, such as {under_way[-1].id}, and call again.",
        )
