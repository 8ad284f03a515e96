"""The database of jobs, a file or PostgreSQL: connections to it, its tables, and what it does not do, in words."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolIsBusy

from klaviyo_mcp.jobs.errors import StoreAway, StoreProblem

MAKING = 7_270_001
"""The number of the lock under which tables are made."""
TIMEOUTS = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Of connections to PostgreSQL, in seconds and the last in milliseconds; its URL may have others. By its own defaults a
server that was cut off without a word would be waited for a quarter of an hour and more."""
IDLE = 60
"""Seconds after which PostgreSQL ends a connection that leaves a transaction open, as DBOS has it for its own: a worker
that stands still would keep those who take its job over from the rows that it has locked."""


def connected(url: str) -> sa.Engine:
    """What connects to the database of SQLAlchemy's URL. Raises StoreProblem for a file that cannot be opened."""
    parts = sa.make_url(url)
    if parts.get_backend_name() != "sqlite":
        engine = sa.create_engine(url, pool_pre_ping=True, connect_args=_timeouts(parts))
        if "idle_in_transaction_session_timeout" not in str(parts.query.get("options", "")):
            event.listen(engine, "connect", _leaves_no_transaction_open)
        return engine
    _for_us_alone(Path(parts.database or ""))
    engine = sa.create_engine(url)
    event.listen(engine, "connect", _as_dbos_does)
    return engine


class ConnectionWithClock(sqlite3.Connection):
    """A connection that knows `unixepoch('subsec')`, which SQLite itself has from 3.42 on.

    From Python 3.12 on the tables of DBOS have it as their default, whatever SQLite that Python came with: with an
    older one, such as that of Debian 12, it is null, and no job begins.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """As the base."""
        super().__init__(*args, **options)
        if sqlite3.sqlite_version_info < (3, 42):
            self.create_function("unixepoch", 1, _now)


def _now(_subsec: str) -> float:
    """Seconds since 1970, to the millisecond."""
    return time.time_ns() // 1_000_000 / 1000


def options_for_dbos(url: str) -> dict[str, Any]:
    """What SQLAlchemy is given beside this URL, for the connections that DBOS makes to it."""
    parts = sa.make_url(url)
    sqlite = parts.get_backend_name() == "sqlite"
    return {"connect_args": {"factory": ConnectionWithClock} if sqlite else _timeouts(parts)}


def _timeouts(url: sa.URL) -> dict[str, int]:
    return {name: value for name, value in TIMEOUTS.items() if name not in url.query}


@contextmanager
def database_told() -> Generator[None]:
    """What the database does not do, as StoreProblem, in words without the values that it was given."""
    try:
        yield
    except SQLAlchemyError as error:
        raise problem_of(error) from None


def problem_of(error: SQLAlchemyError) -> StoreProblem:
    """What the database does not do, in words without the values that it was given."""
    cause = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
    return (StoreAway if _passes(error) else StoreProblem)(
        f"The database of jobs cannot be used: {cause}.",
        "Mend it (a full disk, a folder that cannot be written, a PostgreSQL that is away); jobs go on from "
        "where they were with: klaviyo-mcp jobs resume ID",
    )


def _passes(error: SQLAlchemyError) -> bool:
    """Whether a database that is there again, or free, would do it: a file that cannot be used stays so."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True  # whatever ended it: PostgreSQL has several words for that
    if isinstance(error, OperationalError | InterfaceError):
        return not type(error.orig).__module__.startswith("sqlite3") or "locked" in str(error.orig)
    return isinstance(error, PoolIsBusy)


@contextmanager
def writing(engine: sa.Engine) -> Generator[sa.Connection]:
    """One transaction, whose reads too are of what nobody else in the same file is changing. Raises StoreProblem."""
    with database_told(), engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Python's driver begins none before the first INSERT, UPDATE or DELETE.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def make_tables(engine: sa.Engine, tables: sa.MetaData) -> None:
    """Make those that are not there. Raises StoreProblem."""
    with database_told():
        there = sa.inspect(engine)
        if all(there.has_table(name) for name in tables.tables):
            return
    with writing(engine) as connection:
        alone(connection, MAKING)  # instances of a service that start together would all make them
        tables.create_all(connection)


def alone(connection: sa.Connection, lock: int) -> None:
    """Wait until no other transaction has the lock of this number, and have it to the end of this one.

    A file has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def lock_of(name: str) -> int:
    """The number of 64 bits of a lock with a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def _for_us_alone(path: Path) -> None:
    """A file that nobody else can read; SQLite gives those beside it the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreProblem(
            f"The database of jobs {path} cannot be opened ({error.strerror}).",
            "Set KLAVIYO_MCP_HOME to a folder that can be written.",
        ) from None


def _leaves_no_transaction_open(connection: Any, _record: object) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE}s'")
    connection.commit()  # whatever is rolled back later


def _as_dbos_does(connection: Any, _record: object) -> None:
    """Two writers in one file wait for each other, as long as DBOS does."""
    connection.isolation_level = "IMMEDIATE"
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
