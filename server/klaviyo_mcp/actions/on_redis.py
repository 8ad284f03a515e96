"""What processes have to know together: which confirmations are used, and what the day has used of a policy's caps.

Unlike the quota, which is counted here alone while Redis is away, neither can be guessed: without an answer the call is
refused.
"""

from collections.abc import Sequence
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions.confirmation import WrongConfirmation
from klaviyo_mcp.actions.metering import Share, TooMany
from klaviyo_mcp.actions.policy import NotCounted
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer

if TYPE_CHECKING:
    from redis.asyncio import Redis

SPENT = "klaviyo_mcp_spent"
COUNTED = "klaviyo_mcp_policy"
KEPT = 2 * 86_400
"""Seconds that the counts of a day are kept: it ends at another moment on other machines."""


class ConfirmationNotChecked(WrongConfirmation):
    """Nobody can say whether a confirmation was used before; nothing was sent."""

    code = "confirmation_not_checked"
    advice = (
        "Confirm again with the same token in a minute; if it stays so, tell the user that the Redis of "
        "KLAVIYO_MCP_QUOTA_URL is away."
    )


class SpentOnRedis:
    """What was used by any process that shares a Redis."""

    def __init__(self, server: QuotaServer) -> None:
        """Nothing is opened before it is used."""
        self._server = server

    async def spend(self, number: str, seconds: float) -> bool:
        """See Spent. Raises ConfirmationNotChecked."""

        async def note(client: "Redis") -> Any:
            # In a tuple: None is what Redis says of a number that is there already.
            return (await client.set(f"{SPENT}:{number}", 1, nx=True, ex=max(1, ceil(seconds))),)

        answer = await self._server.ask(note)
        if answer is None:
            raise ConfirmationNotChecked(
                f"{self._server.place} does not answer, so it is not known whether this confirmation was used before."
            )
        return bool(answer[0])


class CountsOnRedis:
    """What was used by all processes that share a Redis."""

    def __init__(self, server: QuotaServer) -> None:
        """Nothing is opened before it is used."""
        self._server = server

    async def take(self, account: str, day: str, shares: Sequence[Share]) -> TooMany | None:
        """See DayCounts."""
        if not shares:
            return None
        arguments: list[str | float] = [KEPT]
        for share in shares:
            arguments += [share.amount, share.most]
        answer = await self._server.run("count.lua", self._keys(account, day, shares), arguments)
        if answer is None:
            raise NotCounted(
                f"{self._server.place} does not answer, so what today has used of the caps of the policy is not known."
            )
        index, used = int(answer[0]), int(answer[1])
        return TooMany(shares[index - 1], used) if index else None

    async def give_back(self, account: str, day: str, shares: Sequence[Share]) -> None:
        """See DayCounts. What Redis does not hear stays counted: too much is the safe side."""

        async def less(client: "Redis") -> Any:
            async with client.pipeline(transaction=False) as pipeline:
                for key, share in zip(self._keys(account, day, shares), shares, strict=True):
                    pipeline.decrby(key, share.amount)
                return (await pipeline.execute(),)

        await self._server.ask(less)

    @staticmethod
    def _keys(account: str, day: str, shares: Sequence[Share]) -> list[str]:
        # In braces: a cluster keeps all keys of an account on one node, as the script needs them.
        whose = sha256(account.encode()).hexdigest()[:24]
        return [f"{COUNTED}:{{{whose}}}:{day}:{share.name}" for share in shares]
