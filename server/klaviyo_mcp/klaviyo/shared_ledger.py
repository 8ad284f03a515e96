"""A ledger on Redis, for all processes and machines that use the same account.

No library takes several windows at once or none, or lets counts be corrected, so two short scripts of our own do: each
is one round trip, and atomic. What Redis allows is narrowed by what this process knows itself: so its counts stay right
while Redis is away and after it came back empty. A call never fails for want of Redis.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anyio import CancelScope

from klaviyo_mcp.klaviyo.ledger import GRACE, ROUNDING, SOON, MemoryLedger, Wait
from klaviyo_mcp.klaviyo.rate_headers import Said
from klaviyo_mcp.klaviyo.requests import Bucket

if TYPE_CHECKING:
    from redis.asyncio import Redis  # 0.1 s that only a ledger on Redis costs

log = logging.getLogger("klaviyo_mcp")

PREFIX = "klaviyo_mcp_quota"
PATIENCE = 1.0
"""Seconds that a call waits for Redis before it goes on without it."""
AWAY = 5.0
"""Seconds after which a Redis that was away is asked again."""


class QuotaServer:
    """A Redis server, and whether it is there. Nothing is opened before it is used."""

    def __init__(self, url: str, *, away: float = AWAY, patience: float = PATIENCE, counts: str = "the quota") -> None:
        """`url` is redis:// or rediss://, and may hold a password, which is shown to nobody.

        `away` is how many seconds a server that did not answer is left alone, `patience` how many it has for an answer.
        `counts` says in the log what it is for.
        """
        parts = urlsplit(url)
        self.place = f"Redis at {parts.hostname}:{parts.port or 6379}"
        self._url = url
        self._client: Redis | None = None
        self._scripts: dict[str, Any] = {}
        self._away = away
        self._patience = patience
        self._counts = counts
        self._away_until: float | None = None

    def __repr__(self) -> str:
        """Never the password."""
        return f"QuotaServer({self.place})"

    def ledger(self, owner: str) -> "SharedLedger":
        """The ledger of one owner of a quota. Whoever names it the same, on any machine, shares it."""
        return SharedLedger(self, sha256(owner.encode()).hexdigest()[:24])

    async def ask(self, what: "Callable[[Redis], Awaitable[Any]]") -> Any:
        """What Redis answers, None while it is away, which is logged once."""
        from redis.exceptions import RedisError  # as above

        if self._away_until is not None:
            if monotonic() < self._away_until:
                return None
            # One asks whether it is back; the others go on without it meanwhile.
            self._away_until = monotonic() + self._away
        try:
            answer = await what(self._opened())
        except (RedisError, OSError) as error:
            if self._away_until is None:
                log.warning(
                    "%s does not answer (%s): %s is counted in this process alone until it does again.",
                    self.place,
                    type(error).__name__,
                    self._counts,
                )
            self._away_until = monotonic() + self._away
            return None
        if self._away_until is not None:
            self._away_until = None
            log.info("%s answers again and counts %s.", self.place, self._counts)
        return answer

    async def run(self, script: str, keys: list[str], arguments: list[str | float]) -> Any:
        """What a script of this folder answers, None while Redis is away."""

        async def call(client: "Redis") -> Any:
            if script not in self._scripts:
                text = (Path(__file__).parent / script).read_text("utf-8")
                self._scripts[script] = client.register_script(text)
            return await self._scripts[script](keys=keys, args=arguments)

        return await self.ask(call)

    async def answers(self) -> bool:
        """Whether it can be reached, and lets these credentials in."""

        async def ping(client: "Redis") -> Any:
            return await client.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues]

        return bool(await self.ask(ping))

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        self._scripts.clear()
        if client is not None:
            await client.aclose()

    def _opened(self) -> "Redis":
        if self._client is None:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import ConnectionError as Disconnected

            self._client = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
                self._url,
                decode_responses=True,
                socket_connect_timeout=self._patience,
                socket_timeout=self._patience,
                # A connection that was kept open may be a dead one; what does not answer is not asked twice.
                retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
            )
        return self._client


class SharedLedger:
    """The ledger of one account on a server."""

    def __init__(self, server: QuotaServer, owner: str) -> None:
        """`owner` tells accounts apart; it is the same for all who share one."""
        self._server = server
        # In braces: a cluster keeps all keys of an owner on one node, as a script needs them.
        self._prefix = f"{PREFIX}:{{{owner}}}"
        self._own = MemoryLedger()

    async def take(self, turn: str, buckets: tuple[Bucket, ...]) -> Wait | None:
        """See Ledger."""
        wait = await self._own.take(turn, buckets)
        if wait is None:
            wait = await self._asked(turn, buckets, -1)
            if wait is not None:
                await self._own.give_back(turn, buckets)
        return wait

    async def estimate(self, buckets: tuple[Bucket, ...], ahead: int) -> Wait | None:
        """See Ledger."""
        waits = (await self._own.estimate(buckets, ahead), await self._asked("", buckets, ahead))
        return max((wait for wait in waits if wait), key=lambda wait: wait.seconds, default=None)

    async def settle(self, turn: str, buckets: tuple[Bucket, ...], said: list[Said]) -> None:
        """See Ledger."""
        await self._own.settle(turn, buckets, said)
        told = {(one.name, one.seconds): one for one in said}
        arguments: list[str | float] = [turn, ROUNDING]
        for bucket in buckets:
            one = told.get((bucket.name, bucket.seconds))
            known = (one.amount, one.left, one.reset) if one else (None, None, None)
            arguments += [bucket.seconds, *(-1 if number is None else number for number in known)]
        await self._server.run("settle.lua", self._keys(buckets), arguments)

    async def give_back(self, turn: str, buckets: tuple[Bucket, ...]) -> None:
        """See Ledger. Also while a call is being cancelled."""
        await self._own.give_back(turn, buckets)

        async def remove(client: "Redis") -> None:
            async with client.pipeline(transaction=False) as pipeline:
                for key in self._keys(buckets):
                    pipeline.zrem(key, f"~{turn}")
                await pipeline.execute()

        with CancelScope(shield=True):
            await self._server.ask(remove)

    async def pause(self, names: Iterable[str], seconds: float) -> None:
        """See Ledger."""
        names = list(names)
        await self._own.pause(names, seconds)

        async def keep(client: "Redis") -> None:
            now, microseconds = await client.time()  # pyright: ignore[reportUnknownMemberType]
            for name in names:
                end = now + microseconds / 1e6 + seconds
                # A key that ends later is left: of two pauses the longer one holds.
                if float(await client.get(self._pause(name)) or 0) < end:
                    await client.set(self._pause(name), f"{end:.6f}", px=int(seconds * 1000))

        await self._server.ask(keep)

    async def _asked(self, turn: str, buckets: tuple[Bucket, ...], ahead: int) -> Wait | None:
        pauses = [self._pause(name) for name in dict.fromkeys(bucket.name for bucket in buckets)]
        arguments: list[str | float] = [turn, ahead, GRACE, SOON, len(buckets)]
        for bucket in buckets:
            arguments += [bucket.amount, bucket.seconds]
        answer: tuple[str, int] | None = await self._server.run("take.lua", [*self._keys(buckets), *pauses], arguments)
        if answer is None or float(answer[0]) <= 0:
            return None
        return Wait(float(answer[0]), buckets[answer[1] - 1] if answer[1] else None)

    def _keys(self, buckets: tuple[Bucket, ...]) -> list[str]:
        return [f"{self._prefix}:{bucket.name}:{bucket.seconds}" for bucket in buckets]

    def _pause(self, name: str) -> str:
        return f"{self._prefix}:{name}:pause"
