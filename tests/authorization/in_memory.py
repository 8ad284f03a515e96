"""Parts of an authorization server on a store in memory, for many short runs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from tests.authorization.driving import OWN_SECRET, RESOURCE, Clock

from klaviyo_mcp.accounts.keys import VaultKeys, new_key
from klaviyo_mcp.accounts.records import Company, Grant, Secret
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.authorization.client import Client
from klaviyo_mcp.authorization.errors import OAuthProblem
from klaviyo_mcp.authorization.grants import Grants, Holder
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.authorization.tokens import Lives, Tokens

CLIENT = Client("client", "A client", ("http://localhost/",), "dynamic")
KEY = new_key()
PAIR = Grant("app", Secret("s"), "https://t", "https://r", ("accounts:read",), Secret("a"), Secret("r"), 1.0, 1.0)


class InMemory:
    """A store of one process, for many short runs. Every use of it lets the others run."""

    place = "memory"
    prefix = ""

    def __init__(self) -> None:
        self._kept: dict[tuple[str | None, str], dict[str, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        await asyncio.sleep(0)
        return self._kept.get((collection, key))

    async def get_many(self, keys: list[str], *, collection: str | None = None) -> list[dict[str, Any] | None]:
        return [await self.get(key, collection=collection) for key in keys]

    async def put(self, key: str, value: Any, *, collection: str | None = None, ttl: float | None = None) -> None:
        await asyncio.sleep(0)
        self._kept[collection, key] = dict(value)

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        await asyncio.sleep(0)
        return self._kept.pop((collection, key), None) is not None

    async def delete_many(self, keys: list[str], *, collection: str | None = None) -> int:
        return sum([await self.delete(key, collection=collection) for key in keys])

    def key_value(self) -> Any:
        return self

    def prepare(self) -> None:
        pass

    def check(self, collection: str, name: str) -> None:
        pass

    def stamp(self, collection: str, name: str) -> object | None:
        return None

    async def names(self) -> list[str]:
        return sorted(key for collection, key in self._kept if collection == "accounts")

    @asynccontextmanager
    async def lock(self, name: str) -> AsyncGenerator[None]:
        async with self._locks.setdefault(name, asyncio.Lock()):
            yield

    async def close(self) -> None:
        pass


class NoPace:
    """Lets everything through: how often is tried elsewhere."""

    async def take(self, limited: str, key: str) -> float:
        return 0.0


class Parts:
    """Tokens and grants on a store of their own."""

    def __init__(self, store: InMemory | None = None, clock: Clock | None = None, app_scope: Any = "company") -> None:
        self.clock = clock or Clock()
        self.store = store or InMemory()
        records = Records(self.store, Sealing([OWN_SECRET]), self.clock)
        self.vault = vault = Vault(self.store, VaultKeys(None, KEY))
        self.grants = Grants(records, vault, api_url="https://k", app_scope=app_scope, clock=self.clock)
        self.tokens = Tokens(records, self.grants, RESOURCE, Lives(3600, 30 * 86_400), NoPace(), self.clock)

    async def connect(self, account: str = "ABC123") -> tuple[str, dict[str, Any]]:
        holder = Holder(CLIENT.client_id, CLIENT.name)
        grant = await self.grants.begin(PAIR, Company(account), None, holder, "klaviyo:full", 900)
        return grant.grant_id, await self.tokens.first(grant.grant_id, CLIENT)

    async def refresh(self, token: str) -> dict[str, Any] | None:
        try:
            return await self.tokens.refreshed(CLIENT, {"refresh_token": token})
        except OAuthProblem as error:
            return {"invalid_grant": None}[error.error]
