"""Which workers live: each holds a lock under its name for as long as its process does, and nobody else can have it.

On PostgreSQL an advisory lock of a connection, else a lock on a file: both end with the process, however it dies.
"""

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError


def worker_name() -> str:
    """A new name: where the process runs, its number, and something that no other has."""
    host = "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign == "-")[:24]
    return f"{host}.{os.getpid()}.{os.urandom(4).hex()}"


class Leases(Protocol):
    """The leases of the workers of one database."""

    def hold(self, worker: str) -> None:
        """Hold the lease of this name until `release`, or the end of the process."""
        ...

    def alive(self, worker: str) -> bool:
        """Whether somebody holds the lease of this name."""
        ...

    def release(self) -> None:
        """Let go of what is held."""
        ...


class FileLeases:
    """Locks on files in one folder: for the processes of one machine."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when the first lease is held."""
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def hold(self, worker: str) -> None:
        """See Leases."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held[worker] = lock = FileLock(self._path(worker))
        lock.acquire(timeout=0)

    def alive(self, worker: str) -> bool:
        """Whoever gets the lock knows that nobody had it; the file goes then."""
        if worker in self._held:
            return True
        if not self._path(worker).exists():
            return False
        lock = FileLock(self._path(worker))
        try:
            with lock.acquire(timeout=0):
                with suppress(OSError):
                    self._path(worker).unlink()
                return False
        except Timeout:
            return True

    def release(self) -> None:
        """See Leases."""
        for worker, lock in self._held.items():
            with suppress(OSError):
                self._path(worker).unlink()
            lock.release()
        self._held.clear()

    def _path(self, worker: str) -> Path:
        return self._folder / f"{worker}.lock"


class PostgresLeases:
    """Advisory locks: for all machines that use one PostgreSQL."""

    def __init__(self, engine: sa.Engine) -> None:
        """Each lease takes one connection, which is asked again when it was lost."""
        self._engine = engine
        self._held: dict[str, sa.Connection] = {}

    def hold(self, worker: str) -> None:
        """See Leases. To be called again from time to time: a lock is lost with its connection."""
        if (connection := self._held.get(worker)) is not None:
            with suppress(SQLAlchemyError):
                connection.execute(sa.text("SELECT 1"))
                return
            with suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(worker)})
        self._held[worker] = connection

    def alive(self, worker: str) -> bool:
        """See Leases."""
        if worker in self._held:
            return True
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            got = connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(worker)}).scalar_one()
            if got:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _key(worker)})
            return not got

    def release(self) -> None:
        """See Leases."""
        for connection in self._held.values():
            with suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()
        self._held.clear()


def _key(worker: str) -> int:
    """A number of 64 bits for a name."""
    return int.from_bytes(hashlib.sha256(worker.encode()).digest()[:8], "big", signed=True)
