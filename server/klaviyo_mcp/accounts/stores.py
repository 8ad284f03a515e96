"""Where sealed records lie: files of this machine, or Redis for several machines. Each brings its own kind of lock.

The rest of the project sees `Vault` alone; what these stores raise is told in its words by `translated`.
"""

import asyncio
import errno
import logging
import os
import stat
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from anyio import CancelScope

from klaviyo_mcp.accounts.errors import AccountProblem, CorruptRecord, VaultReadOnly, VaultUnavailable
from klaviyo_mcp.accounts.records import NAME

if TYPE_CHECKING:
    from filelock import FileLock  # 50 ms that only an opened vault costs
    from key_value.aio.protocols.key_value import AsyncKeyValue
    from redis.asyncio import Redis  # 0.1 s that only a vault on Redis costs

ACCOUNTS = "accounts"
FACTS = "facts"
LOCK_WAIT = 30.0
"""Seconds to wait for a lock: longer than any refresh may take, so that waiting ends with its result."""
LOCK_LIFE = 25.0
"""Seconds after which Redis gives up the lock of a process that died."""
SETTLED = 100_000_000
"""Nanoseconds after which the time of a file tells it from one that was written later."""
MOST_CONNECTIONS = 32
"""To Redis at a time; who comes when all are in use waits. To open hundreds at once takes longer than it may."""
LARGEST_RECORD = 1_000_000
"""Bytes of a record that is read; a grant with all scopes has some thousand."""
NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.ENOENT}
READ_ONLY = {*NO_FOLDER, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT}


log = logging.getLogger("klaviyo_mcp")


def open_to_others(mode: int) -> bool:
    """Whether others than its owner can write a folder of this mode; only POSIX says so by modes."""
    return os.name != "nt" and bool(mode & 0o022)


def others_can_write(place: str) -> str:
    """What is said of a vault in such a folder."""
    return (
        f"{place} can be written by others, who could put records of their own there. Close it with: chmod 700 {place}"
    )


class Store(Protocol):
    """A place for sealed records."""

    place: str
    """What people call it."""
    prefix: str
    """What its collections begin with."""

    def key_value(self) -> "AsyncKeyValue | None":
        """The store itself; None when nothing was ever kept."""
        ...

    def prepare(self) -> None:
        """Make it ready for writing. Raises VaultReadOnly."""
        ...

    def check(self, collection: str, name: str) -> None:
        """Look at a record before it is read. Raises CorruptRecord for what cannot be one."""
        ...

    def stamp(self, collection: str, name: str) -> object | None:
        """Something that is another one whenever the record was written; None where that cannot be seen at once."""
        ...

    async def names(self) -> list[str]:
        """The names of all connections, sorted, whether or not their records can be read."""
        ...

    async def keys(self, collection: str) -> list[str]:
        """The keys of all records of another collection, given without the prefix; sorted."""
        ...

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        """Held by one task of one process at a time. Raises VaultUnavailable when it cannot be had in time."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class FileStore:
    """A folder of this machine. Files have mode 0600, folders 0700."""

    prefix = ""

    def __init__(self, home: Path) -> None:
        """`home` need not exist before something is kept."""
        self.place = str(home)
        self._home = home
        self._warned = False
        self._store: AsyncKeyValue | None = None

    def key_value(self) -> "AsyncKeyValue | None":
        """See Store."""
        self._check_home()
        if self._store is None and self._records.is_dir():
            from key_value.aio.stores.filetree import FileTreeStore  # 0.5 s that only an opened vault costs

            self._forget_old_place()
            self._store = FileTreeStore(data_directory=self._home / "vault")
        return self._store

    def prepare(self) -> None:
        """See Store."""
        with translated(self.place):
            for folder in (self._home, self._records.parent, self._records, self._records.parent / FACTS, self._locks):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self._locks / ".probe"
            probe.touch(mode=0o600)
            probe.unlink(missing_ok=True)

    def check(self, collection: str, name: str) -> None:
        """See Store. To open a FIFO would wait for ever, and what is linked is not the owner's alone."""
        path = self._home / "vault" / collection / f"{name}.json"
        with translated(self.place, name):
            try:
                found = path.lstat()
            except FileNotFoundError:
                return
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_RECORD:
            what = f"has {found.st_size:,} bytes" if stat.S_ISREG(found.st_mode) else "is no plain file"
            raise CorruptRecord(f"The record of {name!r} cannot be read: {path} {what}. Remove it and connect again.")

    def stamp(self, collection: str, name: str) -> object | None:
        """See Store. A file that was just written has none: it might be written again before the clock moves on."""
        try:
            found = Path(self._home, "vault", collection, f"{name}.json").stat()
        except OSError:
            return None
        if time_ns() - found.st_mtime_ns < SETTLED:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    async def names(self) -> list[str]:
        """See Store. Needs no key and reads no record."""
        return self.names_now()

    def names_now(self) -> list[str]:
        """The same without waiting: a look into the folder."""
        self._check_home()
        with translated(self.place):
            if not self._records.is_dir():
                return []
            return sorted(path.stem for path in self._records.glob("*.json") if NAME.fullmatch(path.stem))

    async def keys(self, collection: str) -> list[str]:
        """See Store. Only keys that can be names of files are kept as they are; ours are hashes."""
        with translated(self.place):
            return sorted(path.stem for path in (self._home / "vault" / collection).glob("*.json"))

    @asynccontextmanager
    async def lock(self, name: str) -> AsyncGenerator[None]:
        """See Store. The system frees it when a process dies."""
        from filelock import FileLock  # 50 ms that only an opened vault costs

        self.prepare()
        lock = FileLock(self._locks / f"{name}.lock", mode=0o600, thread_local=False)
        until = monotonic() + LOCK_WAIT
        while not self._taken(lock):
            if monotonic() > until:
                raise VaultUnavailable(f"Another process has been holding {name!r} for {LOCK_WAIT:.0f} s.")
            await asyncio.sleep(0.02)
        try:
            yield
        finally:
            lock.release()

    def _taken(self, lock: "FileLock") -> bool:
        from filelock import Timeout  # loaded with the lock

        with translated(self.place):
            try:
                lock.acquire(blocking=False)
            except Timeout:
                return False
            return True

    async def close(self) -> None:
        """See Store."""
        self._store = None

    @property
    def _records(self) -> Path:
        return self._home / "vault" / ACCOUNTS

    @property
    def _locks(self) -> Path:
        return self._home / "locks"

    def _check_home(self) -> None:
        """Raises VaultReadOnly where no folder can be. One that others can write is used, and warned of once."""
        with translated(self.place):
            try:
                mode = self._home.stat().st_mode
            except FileNotFoundError:
                return
        if not stat.S_ISDIR(mode):
            raise VaultReadOnly(f"{self.place} is no folder, so that there can be no vault in it.")
        if open_to_others(mode) and not self._warned:
            self._warned = True
            log.warning("%s", others_can_write(self.place))

    def _forget_old_place(self) -> None:
        """The library notes absolute paths, which are wrong once the folder was moved; without the note it looks."""
        with translated(self.place):
            for note in (self._home / "vault").glob("*-info.json"):
                plain = stat.S_ISREG(note.lstat().st_mode) and note.lstat().st_size < LARGEST_RECORD
                if not plain or str((self._home / "vault").resolve()) not in note.read_text("utf-8", "replace"):
                    note.unlink(missing_ok=True)


class RedisStore:
    """A Redis server that several machines share."""

    prefix = "klaviyo_mcp_"

    def __init__(self, url: str) -> None:
        """`url` is redis:// or rediss://, and may hold a password, which is shown to nobody."""
        parts = urlsplit(url)
        self.place = f"Redis at {parts.hostname}:{parts.port or 6379}"
        self._url = url
        self._client: Redis | None = None
        self._store: AsyncKeyValue | None = None

    def __repr__(self) -> str:
        """Never the password."""
        return f"RedisStore({self.place})"

    @property
    def client(self) -> "Redis":
        """One client for records and locks; its connections open at first use and again when they broke."""
        if self._client is None:
            from redis.asyncio import BlockingConnectionPool, Redis  # 0.1 s that only a vault on Redis costs

            pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
                self._url,
                max_connections=MOST_CONNECTIONS,
                timeout=5.0,
                decode_responses=True,
                socket_connect_timeout=3.0,
                socket_timeout=5.0,
            )
            self._client = Redis.from_pool(pool)  # pyright: ignore[reportUnknownArgumentType]
        return self._client

    def key_value(self) -> "AsyncKeyValue | None":
        """See Store."""
        if self._store is None:
            from key_value.aio.stores.redis import RedisStore as RedisKeyValue  # as above

            self._store = RedisKeyValue(client=self.client)
        return self._store

    def prepare(self) -> None:
        """See Store. Redis needs nothing made."""

    def check(self, collection: str, name: str) -> None:
        """See Store. Redis has nothing but text."""

    def stamp(self, collection: str, name: str) -> object | None:
        """See Store. To ask Redis takes as long as to read."""

    async def names(self) -> list[str]:
        """See Store."""
        return [name for name in await self.keys(ACCOUNTS) if NAME.fullmatch(name)]

    async def keys(self, collection: str) -> list[str]:
        """See Store. What is kept in the meantime may be missing."""
        start = f"{self.prefix}{collection}::"
        with translated(self.place):
            found = [str(key).removeprefix(start) async for key in self.client.scan_iter(f"{start}*", count=1_000)]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportUnknownArgumentType]
        return sorted(set(found))

    @asynccontextmanager
    async def lock(self, name: str) -> AsyncGenerator[None]:
        """See Store. It ends by itself after LOCK_LIFE, so that a dead process holds up nobody for long."""
        from redis.exceptions import LockError, RedisError  # as above

        lock: Any = self.client.lock(
            f"{self.prefix}lock::{name}", timeout=LOCK_LIFE, blocking_timeout=LOCK_WAIT, sleep=0.02
        )
        with translated(self.place):
            held = await lock.acquire()
        if not held:
            raise VaultUnavailable(f"Another process has been holding {name!r} for {LOCK_WAIT:.0f} s.")
        try:
            yield
        finally:
            # It may have run out meanwhile, or Redis may be gone, and then it ends by itself.
            with suppress(LockError, RedisError), CancelScope(shield=True):
                await lock.release()

    async def close(self) -> None:
        """See Store."""
        client, self._client, self._store = self._client, None, None
        if client is not None:
            await client.aclose()


@contextmanager
def translated(place: str, name: str | None = None) -> Generator[None]:
    """What a store raises, in our words. `name` is the record in question."""
    try:
        yield
    except AccountProblem:
        raise
    except Exception as error:  # its kind decides; what is not a store's is raised again
        explained = _explained(error, place, name)
        if explained is None:
            raise
        raise explained from None


def _explained(error: Exception, place: str, name: str | None) -> AccountProblem | None:
    from key_value.aio.errors import KeyValueOperationError, KeyValueStoreError  # loaded with the store

    cause = error.__cause__ if isinstance(error, KeyValueStoreError) and error.__cause__ else error
    kind = type(cause).__name__
    if type(cause).__module__.startswith("redis."):
        return VaultUnavailable(f"{place} cannot be reached ({kind}).")
    if isinstance(cause, OSError) and cause.errno in READ_ONLY:
        return VaultReadOnly(f"{place} cannot be written ({cause.strerror}).")
    if isinstance(cause, SystemError) and str(cause) in map(os.strerror, READ_ONLY):
        # So says the library that writes files, of a disk that is full.
        return VaultReadOnly(f"{place} cannot be written ({cause}).")
    if isinstance(cause, OSError | SystemError | KeyValueStoreError):
        return VaultUnavailable(f"{place} cannot be used ({kind}).")
    if isinstance(cause, KeyValueOperationError | ValueError | RecursionError):
        # A ValueError is text that is no text, or a key that is none.
        return CorruptRecord(_damaged(name, kind))
    return None


def _damaged(name: str | None, why: str) -> str:
    if name is None:
        return f"A record of the vault cannot be read ({why})."
    return (
        f"The record of {name!r} cannot be read ({why}): it is damaged, or was sealed with another key. "
        f"Connect it again with: klaviyo-mcp connect --name {name}"
    )
