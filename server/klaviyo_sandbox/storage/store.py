"""Where the sandbox keeps its state: one SQLite database, in memory or in a file that several processes may share.

Every resource has a table of JSON bodies with real columns beside them for what can be filtered, sorted or looked up.
The columns are always derived from the body. Many-to-many relations are rows of `link`, what happens later of `work`.
"""

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from klaviyo_sandbox.cursors import BY_ID, Cursor, Sort
from klaviyo_sandbox.declare import Relation, Resource
from klaviyo_sandbox.filters import Where
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.moments import keeper
from klaviyo_sandbox.storage.schema import SHARED_TABLES, column_value, schema_statements

# From this many matches on, a page is read along the sort rather than along the filter.
_MANY = 2_000
# Of as many digits as all that follow, so that they sort as text the way they do as numbers.
_FIRST_RISING = 116_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One stored resource. `joined` is when it joined the group it was read through, in microseconds since 1970."""

    id: str
    body: Json
    sort_value: str | int | float | None = None
    joined: int | None = None


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a page is read from. `id` and `joined` are SQL for a row's id and for when it joined."""

    tables: str
    condition: str
    parameters: tuple[Any, ...]
    id: str = "r.id"
    joined: str = "NULL"


class Store:
    """The database. Methods may be called from any thread; writes belong inside `writing()`."""

    def __init__(self, path: Path | None, resources: Mapping[str, Resource]) -> None:
        """Keep state in the file `path`, or in memory when it is None. Nothing is opened before `open()`."""
        self._path = path
        self._resources = resources
        self._tables = [resource for resource in resources.values() if resource.stored]
        self._kept: dict[str, Callable[[Json], Json]] = {}
        self._connection: sqlite3.Connection | None = None
        self.lock = threading.RLock()

    def open(self) -> None:
        """Connect, and create what tables are missing."""
        self._kept = {kind: keeper(resource) for kind, resource in self._resources.items()}
        target = ":memory:" if self._path is None else str(self._path)
        connection = sqlite3.connect(target, timeout=30, isolation_level=None, check_same_thread=False)
        if self._path is not None:
            connection.execute("PRAGMA journal_mode = WAL")
        # A crash may lose the last moments of a sandbox, never its consistency.
        connection.execute("PRAGMA synchronous = OFF" if self._path is None else "PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")
        self._connection = connection
        # An app has no end of its own in a test, so the connection is closed with the store it belongs to.
        weakref.finalize(self, connection.close)
        with self.writing():
            for statement in schema_statements(self._tables):
                connection.execute(statement)

    def close(self) -> None:
        """Let go of the database; `open()` may follow."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def in_memory(self) -> bool:
        """Whether nothing is left of it when the process ends."""
        return self._path is None

    def copy(self) -> sqlite3.Connection:
        """The whole database as it is, in memory and on its own."""
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        with self.lock:
            self._db().backup(copy)
        return copy

    def become(self, copy: sqlite3.Connection) -> None:
        """Hold what another store held when it was copied, and nothing else."""
        with self.lock:
            copy.backup(self._db())

    @contextmanager
    def writing(self) -> Generator[None]:
        """A write transaction, alone among all threads and processes. Rolls back when the block raises.

        Inside another one it is a part of that.
        """
        with self.lock:
            connection = self._db()
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def erase(self) -> None:
        """Remove every row of every table."""
        for table in (*SHARED_TABLES, *self.resource_tables()):
            self.run(f'DELETE FROM "{table}"')

    def resource_tables(self) -> list[str]:
        """The names of the resources' tables."""
        return [resource.table for resource in self._tables]

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Everything a query yields."""
        return self._db().execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and say how many rows it changed."""
        return self._db().execute(sql, parameters).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once per row of parameters."""
        self._db().executemany(sql, rows)

    def remembered(self, name: str) -> str | None:
        """A value kept under `name` in the database itself, such as the seed it was filled from."""
        found = self.rows("SELECT value FROM meta WHERE name = ?", (name,))
        return found[0][0] if found else None

    def remember(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def next_digest(self) -> bytes:
        """32 bytes that follow from the seed and how many were made before: the same run makes the same ids."""
        number = int(self.remembered("sequence") or 0) + 1
        self.remember("sequence", str(number))
        return blake2b(f"{self.remembered('seed')}:{number}".encode(), digest_size=32).digest()

    def next_rising(self) -> str:
        """An identifier of digits, higher than those before it."""
        number = int(self.remembered("rising") or _FIRST_RISING) + 1
        self.remember("rising", str(number))
        return str(number)

    # Resources

    def get(self, account: str, kind: str, identifier: str) -> Json | None:
        """The body of one resource, or None."""
        table = self._resources[kind].table
        found = self.rows(f'SELECT body FROM "{table}" WHERE account = ? AND id = ?', (account, identifier))
        return json.loads(found[0][0]) if found else None

    def count(self, account: str, kind: str) -> int:
        """How many resources of a kind there are."""
        found = self.rows(f'SELECT count(*) FROM "{self._resources[kind].table}" WHERE account = ?', (account,))
        return found[0][0]

    def find(self, account: str, kind: str, column: str, value: Any) -> list[Row]:
        """The resources whose `column` equals `value`."""
        table = self._resources[kind].table
        sql = f'SELECT id, body FROM "{table}" WHERE account = ? AND "{column}" = ? ORDER BY id'
        return [Row(identifier, json.loads(body)) for identifier, body in self.rows(sql, (account, value))]

    def get_many(self, account: str, kind: str, identifiers: Sequence[str]) -> list[Row]:
        """The resources with these ids, in the order of the ids; unknown ones are left out."""
        table = self._resources[kind].table
        marks = ", ".join("?" * len(identifiers))
        sql = f'SELECT id, body FROM "{table}" WHERE account = ? AND id IN ({marks})'
        found = dict(self.rows(sql, (account, *identifiers)))
        return [
            Row(identifier, json.loads(found[identifier]))
            for identifier in dict.fromkeys(identifiers)
            if identifier in found
        ]

    def insert(self, account: str, kind: str, identifier: str, body: Json, *, ignore: bool = False) -> bool:
        """Add a resource and say whether it was new. A row that is not unique raises, or is left out (`ignore`)."""
        return self.insert_many(account, kind, [(identifier, body)], ignore=ignore) == 1

    def insert_many(self, account: str, kind: str, items: Iterable[tuple[str, Json]], *, ignore: bool = False) -> int:
        """Add many resources and say how many were new."""
        resource = self._resources[kind]
        names = "".join(f', "{name}"' for name in resource.columns)
        marks = ", ?" * len(resource.columns)
        verb = "INSERT OR IGNORE" if ignore else "INSERT"
        sql = f'{verb} INTO "{resource.table}" (account, id, body{names}) VALUES (?, ?, ?{marks})'
        columns, kept = tuple(resource.columns.values()), self._kept[kind]
        rows = (
            (account, identifier, _dump(body), *(column_value(column, body) for column in columns))
            for identifier, body in ((identifier, kept(body)) for identifier, body in items)
        )
        return self._db().executemany(sql, rows).rowcount

    def replace(self, account: str, kind: str, identifier: str, body: Json) -> None:
        """Give an existing resource a new body."""
        resource = self._resources[kind]
        names = "".join(f', "{name}" = ?' for name in resource.columns)
        kept = self._kept[kind](body)
        values = [column_value(column, kept) for column in resource.columns.values()]
        sql = f'UPDATE "{resource.table}" SET body = ?{names} WHERE account = ? AND id = ?'
        self.run(sql, (_dump(kept), *values, account, identifier))

    def reassign(self, account: str, kind: str, column: str, old: str, new: str) -> None:
        """Let the resources whose `column` is `old` have `new` there, except where that would not be unique."""
        resource = self._resources[kind]
        sql = f"""
            UPDATE OR IGNORE "{resource.table}" SET "{column}" = ?, body = json_set(body, ?, ?)
            WHERE account = ? AND "{column}" = ?"""
        self.run(sql, (new, f"$.{resource.columns[column].path}", new, account, old))

    def remove(self, account: str, kind: str, identifier: str) -> None:
        """Remove a resource, what it owns, and every link to or from it."""
        resource = self._resources[kind]
        for owned, column in resource.owns:
            for row in self.find(account, owned, column, identifier):
                self.remove(account, owned, row.id)
        for relation in resource.relations:
            if relation.link:
                end = "target" if relation.inverse else "source"
                sql = f"DELETE FROM link WHERE account = ? AND relation = ? AND {end} = ?"
                self.run(sql, (account, relation.link, identifier))
        self.run(f'DELETE FROM "{resource.table}" WHERE account = ? AND id = ?', (account, identifier))

    def page(
        self,
        account: str,
        kind: str,
        *,
        through: tuple[Relation, str] | None = None,
        filters: Sequence[Where] = (),
        sort: Sort = BY_ID,
        cursor: Cursor | None = None,
        limit: int = -1,
    ) -> list[Row]:
        """Up to `limit` resources of one kind, or of those another is related to (`through`), read on from `cursor`.

        A cursor that points backwards yields its rows in reverse order.
        """
        origin = self._origin(account, kind, through, filters)
        by = sort.column if "." in sort.column else f'r."{sort.column}"'
        conditions, parameters = [origin.condition], [*origin.parameters]
        descending = sort.descending
        wheres = list(filters)
        # An index on what must be equal serves the sort, too; one on a range only where that is what is sorted by.
        elsewhere = any(where.column not in ("", by) for where in filters) and not any(where.exact for where in filters)
        if limit > 0 and elsewhere and self._are_many(origin, filters):
            # Where much fits, walking the sort's index finds a page at once; a filter's index would sort all of it.
            wheres = [where if where.column == by else where.without_index() for where in filters]
        if cursor is not None:
            descending = descending == cursor.forward
            wheres.append(self._beyond(kind, origin.id, by, sort, cursor, descending))
        for where in wheres:
            conditions.append(where.sql)
            parameters.extend(where.parameters)
        way = "DESC" if descending else "ASC"
        order = f"{origin.id} {way}" if sort.column == "id" else f"{by} {way}, {origin.id} {way}"
        sql = (
            f"SELECT r.id, r.body, {by}, {origin.joined} FROM {origin.tables} "
            f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        )
        found = self.rows(sql, (*parameters, limit))
        return [Row(identifier, json.loads(body), value, at) for identifier, body, value, at in found]

    def _are_many(self, origin: "_Origin", filters: Sequence[Where]) -> bool:
        """Whether so many rows pass the filters that sorting them costs more than skipping those that do not."""
        conditions = " AND ".join([origin.condition, *(where.sql for where in filters)])
        parameters = [*origin.parameters, *(value for where in filters for value in where.parameters)]
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {origin.tables} WHERE {conditions} LIMIT {_MANY})"
        return self.rows(sql, parameters)[0][0] == _MANY

    def related_ids(self, account: str, relation: Relation, identifiers: Sequence[str]) -> dict[str, list[str]]:
        """For each resource, the ids a to-many relation points at."""
        if relation.link:
            source, target = ("target", "source") if relation.inverse else ("source", "target")
            sql = f"""
                SELECT {source}, {target} FROM link
                WHERE account = ? AND relation = ? AND {source} IN (SELECT value FROM json_each(?))
                ORDER BY {source}, {target}"""
            found = self.rows(sql, (account, relation.link, json.dumps(identifiers)))
        else:
            column = f'"{relation.foreign}"'
            sql = f"""
                SELECT {column}, id FROM "{self._resources[relation.type].table}"
                WHERE account = ? AND {column} IN (SELECT value FROM json_each(?))
                ORDER BY {column}, id {"DESC" if relation.newest_first else ""}"""
            found = self.rows(sql, (account, json.dumps(identifiers)))
        ids: dict[str, list[str]] = {identifier: [] for identifier in identifiers}
        for identifier, related in found:
            ids[identifier].append(related)
        return ids

    # Links

    def link(self, account: str, relation: str, source: str, targets: Iterable[str], at: int) -> None:
        """Relate `source` to `targets` as of `at` (microseconds since 1970); existing links keep their moment."""
        rows = ((account, relation, source, target, at) for target in targets)
        self.run_many("INSERT OR IGNORE INTO link VALUES (?, ?, ?, ?, ?)", rows)

    def unlink(self, account: str, relation: str, source: str, targets: Iterable[str], at: int | None = None) -> None:
        """Undo `link`. With `at`, how long each was related is kept in `departure`."""
        rows = [(account, relation, source, target) for target in targets]
        if at is not None:
            left = ((at, *row) for row in rows)
            self.run_many(
                "INSERT INTO departure SELECT account, relation, source, target, at, ? FROM link"
                " WHERE account = ? AND relation = ? AND source = ? AND target = ?",
                left,
            )
        self.run_many("DELETE FROM link WHERE account = ? AND relation = ? AND source = ? AND target = ?", rows)

    # Work

    def schedule(self, account: str, kind: str, payload: Json, due: int) -> None:
        """Have work of some kind done at `due` (microseconds since 1970)."""
        sql = "INSERT INTO work (due, account, kind, payload) VALUES (?, ?, ?, ?)"
        self.run(sql, (due, account, kind, _dump(payload)))

    def has_due(self, now: int) -> bool:
        """Whether any work is due."""
        return bool(self.rows("SELECT 1 FROM work WHERE due <= ? LIMIT 1", (now,)))

    def take_due(self, now: int) -> tuple[int, str, str, Json] | None:
        """Remove the earliest piece of work that is due: when it was due, its account, its kind and its payload."""
        sql = "SELECT number, due, account, kind, payload FROM work WHERE due <= ? ORDER BY due, number LIMIT 1"
        for number, due, account, kind, payload in self.rows(sql, (now,)):
            self.run("DELETE FROM work WHERE number = ?", (number,))
            return due, account, kind, json.loads(payload)
        return None

    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("The sandbox's store is used before it was opened.")
        return self._connection

    def _origin(
        self, account: str, kind: str, through: tuple[Relation, str] | None, filters: Sequence[Where]
    ) -> _Origin:
        table = f'"{self._resources[kind].table}" AS r'
        if through is None:
            return _Origin(table, "r.account = ?", (account,))
        relation, identifier = through
        if relation.foreign:
            return _Origin(table, f'r.account = ? AND r."{relation.foreign}" = ?', (account, identifier))
        here, there = ("target", "source") if relation.inverse else ("source", "target")
        # CROSS JOIN fixes where SQLite starts: at the members, unless one of their columns says who is looked for.
        by_column = any(where.column for where in filters)
        first, second = (table, "link AS l") if by_column else ("link AS l", table)
        return _Origin(
            f"{first} CROSS JOIN {second} ON r.account = l.account AND r.id = l.{there}",
            f"l.account = ? AND l.relation = ? AND l.{here} = ? AND r.account = l.account",
            (account, relation.link, identifier),
            id="r.id" if by_column else f"l.{there}",
            joined="l.at",
        )

    def _beyond(self, kind: str, row_id: str, by: str, sort: Sort, cursor: Cursor, descending: bool) -> Where:
        """What lies beyond the cursor. NULL sorts before everything, as SQLite does it."""
        sign = "<" if descending else ">"
        if sort.column == "id":
            return Where(f"{row_id} {sign} ?", (cursor.id,))
        column = self._resources[kind].columns.get(sort.column)
        if cursor.value is None:
            rest = "" if descending else f" OR {by} IS NOT NULL"
            return Where(f"(({by} IS NULL AND {row_id} {sign} ?){rest})", (cursor.id,))
        later = f"({by}, {row_id}) {sign} (?, ?)"
        # Of what is not a column, the moment of joining ("l.at") is always there, a worked-out value may be missing.
        nullable = column.nullable if column else not by.startswith("l.")
        return Where(f"({later} OR {by} IS NULL)" if descending and nullable else later, (cursor.value, cursor.id))


def _dump(body: Json) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
