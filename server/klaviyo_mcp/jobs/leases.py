"""Which workers live: each holds a lock under its name for as long as its process does, and nobody else can have it.

On PostgreSQL an advisory lock of a connection, else a lock on a file: both end with the process, however it dies.
PostgreSQL ends a connection of which nothing was heard for LEASE seconds, as of a machine that was cut off or stopped.
"""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from klaviyo_mcp.jobs.database import database_told, lock_of

LEASE, HELD_EVERY = 60, 5.0
"""Seconds after which a worker that is not heard of is taken for dead, and between two signs of life."""
LEFT_BEHIND = 3_600.0
"""Seconds after which a file of a lock that nobody holds is removed by any other worker."""


def worker_name() -> str:
    """A new name: where the process runs, its number, and something that no other has."""
    host = "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign == "-")[:24]
    return f"{host}.{os.getpid()}.{os.urandom(4).hex()}"


class Leases(Protocol):
    """The leases of the workers of one database."""

    def hold(self, worker: str) -> None:
        """Hold the lease of this name until `release`, or the end of the process. Raises StoreProblem."""
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
        if worker in self._held:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self._folder.glob("*.lock"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - LEFT_BEHIND:
                    self.alive(path.name.removesuffix(".lock"))
        self._held[worker] = lock = FileLock(self._path(worker), mode=0o600)
        lock.acquire(timeout=0)

    def alive(self, worker: str) -> bool:
        """Whoever gets the lock knows that nobody had it; the file goes then."""
        if worker in self._held:
            return True
        if not self._path(worker).exists():
            return False
        lock = FileLock(self._path(worker), mode=0o600)
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
        """Each lease takes one connection, and another one once that was lost."""
        self._engine = engine
        self._held: dict[str, sa.Connection] = {}

    def hold(self, worker: str) -> None:
        """See Leases. To be called every HELD_EVERY seconds, as a lock is lost with its connection."""
        if (connection := self._held.get(worker)) is not None:
            with suppress(SQLAlchemyError):
                connection.execute(sa.text("SELECT 1"))
                return
            del self._held[worker]
            _gone(connection)
        with database_told():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                with suppress(ProgrammingError):  # PostgreSQL before 14 does not know it
                    connection.execute(sa.text(f"SET idle_session_timeout = '{LEASE}s'"))
                got = connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": lock_of(worker)})
                if got.scalar_one():
                    self._held[worker] = connection
            finally:
                if worker not in self._held:  # the server has not noticed yet that the connection before is gone
                    _gone(connection)

    def alive(self, worker: str) -> bool:
        """See Leases."""
        if worker in self._held:
            return True
        with database_told(), self._engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            got = connection.execute(
                sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": lock_of(worker)}
            ).scalar_one()
            if got:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": lock_of(worker)})
            return not got

    def release(self) -> None:
        """See Leases."""
        for connection in self._held.values():
            _gone(connection)
        self._held.clear()


def _gone(connection: sa.Connection) -> None:
    """Close it for good: one that went back to the pool would keep its lock."""
    with suppress(SQLAlchemyError):
        connection.invalidate()
        connection.close()
