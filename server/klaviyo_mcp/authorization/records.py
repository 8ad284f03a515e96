"""What the authorization server keeps: sealed records with a life, in the same store as the vault.

Keys are hashes, what is kept is sealed, and a record knows its place, so that one that was copied elsewhere is not
taken for another. Locks are taken in the order of `LockKind`, never two of one kind, and those of the vault last.
"""

import json
import logging
import math
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from time import time
from typing import TYPE_CHECKING, Literal

from klaviyo_mcp.accounts.errors import VaultProblem
from klaviyo_mcp.accounts.stores import FileStore, RedisStore, Store, translated
from klaviyo_mcp.authorization.errors import SealedElsewhere, StoreAway
from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.loose_json import JSON, mapping, text

if TYPE_CHECKING:
    from key_value.aio.protocols.key_value import AsyncKeyValue

Collection = Literal[
    "client", "cimd", "jti", "txn", "csrf", "state", "code", "at", "rt", "replay", "grant", "grants", "session"
]
LONG_LIVED: tuple[Collection, ...] = ("client", "cimd", "rt")
"""Registrations, and refresh tokens that were replaced. Sealed with a secret that was taken away they could not be told
from those of other instances: their clients would get 503, instead of registering or connecting again."""
LockKind = Literal["jti", "state", "code", "grant", "grants"]

log = logging.getLogger("klaviyo_mcp")


class Records:
    """Sealed records by collection and key. Whatever is wrong with the store is StoreAway."""

    def __init__(self, store: Store, sealing: Sealing, clock: Callable[[], float] = time) -> None:
        """`store` may be the vault's own; opens nothing yet."""
        self.store = store
        self._sealing = sealing
        self._clock = clock

    async def get(self, collection: Collection, key: str) -> JSON | None:
        """The record, None when there is none or its life is over."""
        return (await self.get_many(collection, [key]))[0]

    async def get_many(self, collection: Collection, keys: Sequence[str]) -> list[JSON | None]:
        """The records of these keys, in their order."""
        if not keys:
            return []
        with store_trouble(self.store.place):
            store = self.store.key_value()
            if store is None:
                return [None] * len(keys)
            for key in keys:
                self.store.check(self._where(collection), key)
            found = await store.get_many(list(keys), collection=self._where(collection))
        return [self._opened(collection, key, kept) for key, kept in zip(keys, found, strict=True)]

    def stamps(self, *where: tuple[Collection, str]) -> tuple[object, ...] | None:
        """Others whenever one of these records was written; None where that cannot be seen at once."""
        found = tuple(self.store.stamp(self._where(collection), key) for collection, key in where)
        return None if None in found else found

    async def renew(self, collection: Collection, key: str) -> None:
        """Seal a record anew if an older secret has; its life stays. The caller holds what guards the record."""
        with store_trouble(self.store.place):
            store = self.store.key_value()
            kept = await store.get(key, collection=self._where(collection)) if store is not None else None
        if kept is None or self._sealing.is_newest(text(kept.get("sealed"))):
            return
        whole = self._whole(collection, key, kept)
        until = whole.get("until")
        life = until - self._clock() if isinstance(until, int | float) else None
        if life is None or life > 0:
            await self.put(collection, key, mapping(whole.get("record")), life)

    async def put(self, collection: Collection, key: str, record: JSON, life: float | None) -> None:
        """Keep a record for `life` seconds, None for ever, in place of the one before."""
        until = None if life is None else self._clock() + life
        plain = json.dumps({"place": f"{collection} {key}", "until": until, "record": record}).encode()
        with store_trouble(self.store.place):
            kept = {"sealed": self._sealing.seal(plain)}
            ttl = None if life is None else max(1, math.ceil(life))
            await self._ready().put(key, kept, collection=self._where(collection), ttl=ttl)

    async def delete(self, collection: Collection, *keys: str) -> None:
        """Forget records; those that are not there are forgotten already."""
        with store_trouble(self.store.place):
            store = self.store.key_value()
            if store is not None and keys:
                await store.delete_many(list(keys), collection=self._where(collection))

    @asynccontextmanager
    async def lock(self, kind: LockKind, key: str) -> AsyncGenerator[None]:
        """Held by one task of one process at a time; `key` is a hash, or an id in hexadecimal digits."""
        # Files of locks stay, so on one machine many keys share one.
        name = f"{kind}-{key if isinstance(self.store, RedisStore) else key[:2]}"
        async with AsyncExitStack() as stack:
            with store_trouble(self.store.place):
                await stack.enter_async_context(self.store.lock(name))
            yield

    async def check(self) -> None:
        """Raises StoreAway when nothing can be read: whether this instance is ready."""
        await self.get("grant", "0")

    async def sweep(self) -> None:
        """Remove files whose life is over. Redis does so by itself."""
        if isinstance(self.store, FileStore):
            from key_value.aio.stores.filetree import FileTreeStore  # 0.5 s that only an opened store costs

            with store_trouble(self.store.place):
                store = self.store.key_value()
                if isinstance(store, FileTreeStore):
                    await store.cull()

    async def reseal(self) -> int:
        """Seal anew what lives long and is found by no grant; how many records were looked at."""
        seen = 0
        for collection in LONG_LIVED:
            with store_trouble(self.store.place):
                keys = await self.store.keys(collection)
            seen += len(keys)
            for key in keys:
                # One that cannot be opened keeps the others from nothing.
                with suppress(SealedElsewhere):
                    await self.renew(collection, key)
        return seen

    def _where(self, collection: str) -> str:
        return self.store.prefix + collection

    def _ready(self) -> "AsyncKeyValue":
        store = self.store.key_value()
        if store is None:
            self.store.prepare()
            store = self.store.key_value()
        if store is None:
            raise StoreAway(f"{self.store.place} cannot be written.")
        return store

    def _opened(self, collection: str, key: str, kept: JSON | None) -> JSON | None:
        if kept is None:
            return None
        whole = self._whole(collection, key, kept)
        until = whole.get("until")
        return None if isinstance(until, int | float) and until <= self._clock() else mapping(whole.get("record"))

    def _whole(self, collection: str, key: str, kept: JSON) -> JSON:
        plain = self._sealing.open(text(kept.get("sealed")))
        if plain is None:
            # Instances with other secrets than this one's: to say "unknown" would have clients throw their tokens away.
            log.error("A record of %r was sealed with a secret that is not in KLAVIYO_MCP_SECRET.", collection)
            raise SealedElsewhere("A record was sealed with another secret.")
        whole = mapping(json.loads(plain))
        if whole.get("place") != f"{collection} {key}":
            log.error("A record of %r lies in a place that is not its own.", collection)
            raise StoreAway("A record lies in a place that is not its own.")
        return whole


@contextmanager
def store_trouble(place: str) -> Generator[None]:
    """Whatever is wrong with the store or the vault, as StoreAway."""
    try:
        with translated(place):
            yield
    except VaultProblem as error:
        log.warning("The store of the authorization server: %s", error.message)
        raise StoreAway(error.message) from None
