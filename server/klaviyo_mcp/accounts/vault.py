"""The vault: connections and small facts about them, sealed with Fernet, in files or in Redis.

Everything that reads or writes credentials goes through here. A record that cannot be read is told by its name and does
not keep the others from being used. Nothing here is imported before an account from the vault is needed.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.errors import CorruptRecord, VaultKeyMissing, VaultReadOnly
from klaviyo_mcp.accounts.keys import SETTING, Found, VaultKeys
from klaviyo_mcp.accounts.records import Connection, InvalidRecord, sealed, unsealed
from klaviyo_mcp.accounts.stores import ACCOUNTS, FACTS, FileStore, RedisStore, Store, translated
from klaviyo_mcp.loose_json import JSON, text

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet
    from key_value.aio.protocols.key_value import AsyncKeyValue

VAULT_LOCK = "_vault"
"""Whoever adds or removes records, or changes the key, holds this; no connection can have the name."""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What a change of the key came to. `unreadable` names the records that kept their old seal."""

    place: str
    renewed: tuple[str, ...]
    unreadable: tuple[str, ...]


class Vault:
    """One vault. Its methods raise VaultProblem in words; see `errors`."""

    def __init__(self, store: Store, keys: VaultKeys) -> None:
        """Opens nothing yet."""
        self.store = store
        self._keys = keys
        self._opener: MultiFernet | None = None
        self._sealed: tuple[AsyncKeyValue, MultiFernet, AsyncKeyValue] | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.store.place

    async def names(self) -> list[str]:
        """The names of all connections, sorted, also of those whose record cannot be read."""
        return await self.store.names()

    def names_now(self) -> list[str] | None:
        """The same at once; None when a server would have to be asked."""
        return self.store.names_now() if isinstance(self.store, FileStore) else None

    async def read(self, name: str) -> Connection | None:
        """A connection, or None when there is none of that name. Raises CorruptRecord."""
        record = await self._get(ACCOUNTS, name)
        if record is None:
            # Redis answers for damaged text as for none.
            if self.store.prefix and name in await self.names():
                raise CorruptRecord(
                    f"The record of {name!r} is damaged; connect it again: klaviyo-mcp connect --name {name}"
                )
            return None
        try:
            return unsealed(name, record)
        except InvalidRecord as error:
            raise CorruptRecord(
                f"The record of {name!r} cannot be used: {error}. Connect it again: klaviyo-mcp connect --name {name}"
            ) from None

    def stamp(self, name: str) -> object | None:
        """Another one whenever the record of a connection was written; None where that cannot be seen at once."""
        return self.store.stamp(self.store.prefix + ACCOUNTS, name)

    async def write(self, connection: Connection) -> None:
        """Keep a connection. The caller holds its lock, so that a change of the key cannot slip in between."""
        await self._put(ACCOUNTS, connection.name, sealed(connection))

    async def remove(self, name: str) -> None:
        """Forget a connection and what is known about it. The caller holds the vault's lock and that of the name."""
        store = self.store.key_value()
        if store is None:
            return
        with translated(self.place, name):
            for collection in (ACCOUNTS, FACTS):
                await store.delete(name, collection=self.store.prefix + collection)

    async def facts(self, name: str) -> JSON:
        """Small facts about a connection that are no secrets; empty when there are none, or none that can be read."""
        try:
            return await self._get(FACTS, name) or {}
        except (CorruptRecord, VaultReadOnly):
            return {}

    async def note(self, name: str, facts: Mapping[str, Any]) -> None:
        """Keep facts about a connection in place of those before."""
        await self._put(FACTS, name, dict(facts))

    def lock(self, name: str = VAULT_LOCK) -> AbstractAsyncContextManager[None]:
        """Held by one task of one process at a time, for one record or for the vault as a whole."""
        return self.store.lock(name)

    async def prepare(self) -> str:
        """Make sure that something can be kept: a place that can be written, and a key. Returns where the key is."""
        self.store.prepare()
        return await run_sync(self._keys.ensure)

    async def key_places(self) -> list[str]:
        """Where keys are; the first one seals. Raises VaultKeyMissing for a place that holds something else."""
        found: list[Found] = await run_sync(self._keys.found)
        return [place.place for place in found]

    async def rekey(self, beside: Callable[[], Awaitable[None]] | None = None) -> Rekeyed:
        """Seal every record anew: with a new key, or with the first one of KLAVIYO_MCP_VAULT_KEY.

        `beside` does the same with what else is sealed with it; what it raises leaves the old key where it is.

        Can be interrupted and begun again at any time: until all is done, the old key stays beside the new one.
        """
        renewed: list[str] = []
        unreadable: list[str] = []
        self.store.prepare()
        async with self.lock():
            place, drop_old = await run_sync(self._keys.begin_change)
            for name in await self.names():
                async with self.lock(name):
                    try:
                        connection = await self.read(name)
                        if connection is not None:
                            await self.write(connection)
                            if facts := await self.facts(name):
                                await self.note(name, facts)
                            renewed.append(name)
                    except CorruptRecord:
                        unreadable.append(name)
            if chosen := await self.facts(VAULT_LOCK):
                await self.note(VAULT_LOCK, chosen)
            if beside is not None:
                await beside()
            if not unreadable:
                await run_sync(drop_old)
        return Rekeyed(place, tuple(renewed), tuple(unreadable))

    async def default(self) -> str | None:
        """The name of the connection that is meant when none is named, where one was chosen."""
        return text((await self.facts(VAULT_LOCK)).get("default")) or None

    async def choose_default(self, name: str | None) -> None:
        """Choose it. The caller holds the vault's lock."""
        await self.note(VAULT_LOCK, {"default": name})

    async def close(self) -> None:
        """Let go of files and connections."""
        await self.store.close()

    async def _get(self, collection: str, name: str) -> JSON | None:
        store = self.store.key_value()
        if store is None:
            return None
        opener = await self._fernet(fresh=False)
        if opener is None:
            if name in await self.names():
                raise VaultKeyMissing(
                    f"{self.place} holds connections, and there is no key to open it with: neither the OS keyring nor "
                    f"{SETTING} nor a key file has one."
                )
            return None
        self.store.check(collection, name)
        where = self.store.prefix + collection
        try:
            with translated(self.place, name):
                return await self._sealing(store, opener).get(name, collection=where)
        except CorruptRecord:
            # Another process may have changed the key.
            opener = await self._fernet(fresh=True)
            if opener is None:
                raise
            with translated(self.place, name):
                return await self._sealing(store, opener).get(name, collection=where)

    async def _put(self, collection: str, name: str, record: JSON) -> None:
        await self.prepare()
        store = self.store.key_value()
        opener = await self._fernet(fresh=True)
        if store is None or opener is None:
            raise VaultKeyMissing(f"{self.place} has no key to seal records with.")
        with translated(self.place, name):
            await self._sealing(store, opener).put(name, record, collection=self.store.prefix + collection)

    async def _fernet(self, *, fresh: bool) -> "MultiFernet | None":
        if fresh or self._opener is None:
            self._opener = await run_sync(self._keys.opener)
        return self._opener

    def _sealing(self, store: "AsyncKeyValue", opener: "MultiFernet") -> "AsyncKeyValue":
        """The store as it is used, made anew when the key changes: to make it takes longer than to read a record."""
        if self._sealed is None or self._sealed[0] is not store or self._sealed[1] is not opener:
            self._sealed = (store, opener, _sealing(store, opener))
        return self._sealed[2]


def open_vault(home: Path | None, *, url: str | None = None, key: str | None = None) -> Vault:
    """The vault in Redis at `url`, or else in files under `home` (the platform's folder for such data by default)."""
    if url:
        return Vault(RedisStore(url), VaultKeys(None, key))
    folder = home or default_home()
    return Vault(FileStore(folder), VaultKeys(folder, key))


def default_home() -> Path:
    """Where this platform keeps a user's application data, such as ~/.local/share/klaviyo-mcp."""
    from platformdirs import user_data_path  # 10 ms that only a vault in the usual place costs

    return user_data_path("klaviyo-mcp", appauthor=False)


def _sealing(store: "AsyncKeyValue", opener: "MultiFernet") -> "AsyncKeyValue":
    """The store as it is used: what goes in is sealed, and what comes out was."""
    from key_value.aio.errors import CorruptedDataError  # 0.5 s that only an opened vault costs
    from key_value.aio.wrappers.base import BaseWrapper
    from key_value.aio.wrappers.encryption.fernet import FernetEncryptionWrapper

    class OnlySealed(BaseWrapper):
        """Refuses records that are not sealed, which the library would pass on as they are."""

        def __init__(self) -> None:
            self.key_value = store

        async def get(self, key: str, *, collection: str | None = None) -> JSON | None:
            record = await store.get(key, collection=collection)
            if record is not None and "__encrypted_data__" not in record:
                raise CorruptedDataError("not sealed")
            return record

    return FernetEncryptionWrapper(OnlySealed(), fernet=opener)
