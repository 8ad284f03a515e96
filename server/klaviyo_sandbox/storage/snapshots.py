"""Named copies of a sandbox's whole state, kept beside it in the same database.

A snapshot holds every resource, link and piece of pending work and OAuth's grants; it does not hold the clock, the
request log and the rate limits' counts.
"""

import re

from klaviyo_sandbox.storage.schema import SHARED_TABLES
from klaviyo_sandbox.storage.store import Store

_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_PREFIX = "snapshot:"


def valid_name(name: object) -> bool:
    """Whether a snapshot may have this name: up to 40 letters, digits, dashes and underscores."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def take(store: Store, name: str) -> None:
    """Copy the state under `name`, over an earlier copy. The caller is writing."""
    for table in _tables(store):
        copy = f"{_PREFIX}{name}:{table}"
        store.run(f'DROP TABLE IF EXISTS "{copy}"')
        store.run(f'CREATE TABLE "{copy}" AS SELECT * FROM "{table}"')  # noqa: S608 - names were checked


def restore(store: Store, name: str) -> bool:
    """Go back to the copy under `name`, and say whether there is one. The caller is writing."""
    if name not in names(store):
        return False
    for table in _tables(store):
        store.run(f'DELETE FROM "{table}"')  # noqa: S608 - a declared table
        store.run(f'INSERT INTO "{table}" SELECT * FROM "{_PREFIX}{name}:{table}"')  # noqa: S608 - names were checked
    return True


def names(store: Store) -> list[str]:
    """The snapshots there are."""
    sql = "SELECT DISTINCT substr(name, ?, instr(substr(name, ?), ':') - 1) FROM sqlite_master WHERE name LIKE ?"
    start = len(_PREFIX) + 1
    return sorted(name for (name,) in store.rows(sql, (start, start, f"{_PREFIX}%")))


def _tables(store: Store) -> list[str]:
    return [*SHARED_TABLES, *store.resource_tables()]
