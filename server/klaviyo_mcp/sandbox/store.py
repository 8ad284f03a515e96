"""Where the sandbox keeps its state: one SQLite database, in memory or in a file that several processes may share.

Every resource has a table of JSON bodies with real columns beside them for what can be filtered, sorted or looked up. The
columns are always derived from the body. Many-to-many relations are rows of `link`; things that happen later are rows of `work`.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from klaviyo_mcp.sandbox.clock import microseconds, parse_moment
from klaviyo_mcp.sandbox.declare import Column, ColumnKind, Relation, Resource
from klaviyo_mcp.sandbox.filters import Where
from klaviyo_mcp.sandbox.query import Cursor, Sort
from klaviyo_mcp.sandbox.shapes import Json

_SQL_TYPES: Mapping[ColumnKind, str] = {"text": "TEXT", "moment": "INTEGER", "number": "REAL", "flag": "INTEGER"}

_SHARED_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link (
    account TEXT NOT NULL, relation TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, relation, source, target)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_by_target ON link (account, relation, target, source);
CREATE INDEX IF NOT EXISTS link_by_moment ON link (account, relation, source, at, target);
CREATE TABLE IF NOT EXISTS work (
    number INTEGER PRIMARY KEY, due INTEGER NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS work_by_due ON work (due, number);
CREATE TABLE IF NOT EXISTS consent (
    account TEXT NOT NULL, profile TEXT NOT NULL, channel TEXT NOT NULL, status TEXT NOT NULL, consented_at TEXT,
    updated_at TEXT NOT NULL, created_at TEXT NOT NULL, method TEXT, detail TEXT, double_optin INTEGER,
    PRIMARY KEY (account, profile, channel)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suppression (
    account TEXT NOT NULL, profile TEXT NOT NULL, list TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, profile, list, reason)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS suppression_by_reason ON suppression (account, reason, at);
CREATE INDEX IF NOT EXISTS suppression_by_moment ON suppression (account, at);
CREATE TABLE IF NOT EXISTS pending_consent (
    account TEXT NOT NULL, contact TEXT NOT NULL, request TEXT NOT NULL, PRIMARY KEY (account, contact, request)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One stored resource. `joined` is when it joined the group it was read through, in microseconds since 1970."""

    id: str
    body: Json
    sort_value: str | int | float | None = None
    joined: int | None = None


class Store:
    """The database. Methods may be called from any thread; writes belong inside `writing()`."""

    def __init__(self, path: Path | None, resources: Mapping[str, Resource]) -> None:
        """Keep state in the file `path`, or in memory when it is None. Nothing is opened before `open()`."""
        self._path = path
        self._resources = resources
        self._tables = [resource for resource in resources.values() if resource.stored]
        self._connection: sqlite3.Connection | None = None
        self.lock = threading.RLock()

    def open(self) -> None:
        """Connect, and create what tables are missing."""
        target = ":memory:" if self._path is None else str(self._path)
        connection = sqlite3.connect(target, timeout=30, isolation_level=None, check_same_thread=False)
        if self._path is not None:
            connection.execute("PRAGMA journal_mode = WAL")
        # A crash may lose the last moments of a sandbox, never its consistency.
        connection.execute("PRAGMA synchronous = OFF" if self._path is None else "PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")
        self._connection = connection
        with self.writing():
            for statement in (*_SHARED_TABLES.split(";"), *self._schema()):
                connection.execute(statement)

    def close(self) -> None:
        """Let go of the database; `open()` may follow."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A write transaction, alone among all threads and processes. Rolls back when the block raises."""
        with self.lock:
            connection = self._db()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def erase(self) -> None:
        """Remove every row of every table."""
        tables = ["meta", "link", "work", "consent", "suppression", "pending_consent"]
        for table in (*tables, *(resource.table for resource in self._tables)):
            self.run(f'DELETE FROM "{table}"')

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Everything a query yields."""
        return cast(list[tuple[Any, ...]], self._db().execute(sql, parameters).fetchall())

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
        """32 bytes that follow from the seed and the number of identifiers made so far: the same run makes the same ids."""
        number = int(self.remembered("sequence") or 0) + 1
        self.remember("sequence", str(number))
        return blake2b(f"{self.remembered('seed')}:{number}".encode(), digest_size=32).digest()

    # Resources

    def get(self, account: str, kind: str, identifier: str) -> Json | None:
        """The body of one resource, or None."""
        table = self._resources[kind].table
        found = self.rows(f'SELECT body FROM "{table}" WHERE account = ? AND id = ?', (account, identifier))
        return json.loads(found[0][0]) if found else None

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
        found = {identifier: body for identifier, body in self.rows(sql, (account, *identifiers))}
        return [Row(identifier, json.loads(found[identifier])) for identifier in dict.fromkeys(identifiers) if identifier in found]

    def insert(self, account: str, kind: str, identifier: str, body: Json, *, ignore: bool = False) -> bool:
        """Add a resource and say whether it was new. A row that breaks a unique index raises, or is left out under `ignore`."""
        return self.insert_many(account, kind, [(identifier, body)], ignore=ignore) == 1

    def insert_many(self, account: str, kind: str, items: Iterable[tuple[str, Json]], *, ignore: bool = False) -> int:
        """Add many resources and say how many were new."""
        resource = self._resources[kind]
        names = "".join(f', "{name}"' for name in resource.columns)
        marks = ", ?" * len(resource.columns)
        verb = "INSERT OR IGNORE" if ignore else "INSERT"
        sql = f'{verb} INTO "{resource.table}" (account, id, body{names}) VALUES (?, ?, ?{marks})'
        columns = tuple(resource.columns.values())
        rows = ((account, identifier, _dump(body), *(column_value(column, body) for column in columns)) for identifier, body in items)
        return self._db().executemany(sql, rows).rowcount

    def replace(self, account: str, kind: str, identifier: str, body: Json) -> None:
        """Give an existing resource a new body."""
        resource = self._resources[kind]
        names = "".join(f', "{name}" = ?' for name in resource.columns)
        values = [column_value(column, body) for column in resource.columns.values()]
        sql = f'UPDATE "{resource.table}" SET body = ?{names} WHERE account = ? AND id = ?'
        self.run(sql, (_dump(body), *values, account, identifier))

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
        sort: Sort = Sort("id"),
        cursor: Cursor | None = None,
        limit: int = -1,
    ) -> list[Row]:
        """Up to `limit` resources of one kind, or of those one resource is related to (`through`), in order, read from `cursor`.

        A cursor that points backwards yields its rows in reverse order.
        """
        origin, conditions, parameters, joined = self._origin(account, kind, through)
        by = sort.column if "." in sort.column else f'r."{sort.column}"'
        descending = sort.descending
        for where in filters:
            conditions.append(where.sql)
            parameters.extend(where.parameters)
        if cursor is not None:
            descending = descending == cursor.forward
            where = self._beyond(kind, by, sort, cursor, descending)
            conditions.append(where.sql)
            parameters.extend(where.parameters)
        way = "DESC" if descending else "ASC"
        order = f"r.id {way}" if sort.column == "id" else f"{by} {way}, r.id {way}"
        sql = f"SELECT r.id, r.body, {by}, {joined} FROM {origin} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        found = self.rows(sql, (*parameters, limit))
        return [Row(identifier, json.loads(body), value, at) for identifier, body, value, at in found]

    def related_ids(self, account: str, relation: Relation, identifiers: Sequence[str], at_most: int = -1) -> dict[str, list[str]]:
        """For each resource, the ids a to-many relation points at, at most `at_most` of them (-1: all)."""
        ids: dict[str, list[str]] = {}
        for identifier in identifiers:
            if relation.link:
                source, target = ("target", "source") if relation.inverse else ("source", "target")
                sql = f"SELECT {target} FROM link WHERE account = ? AND relation = ? AND {source} = ? ORDER BY {target} LIMIT ?"
                found = self.rows(sql, (account, relation.link, identifier, at_most))
            else:
                table = self._resources[relation.type].table
                sql = f'SELECT id FROM "{table}" WHERE account = ? AND "{relation.foreign}" = ? ORDER BY id LIMIT ?'
                found = self.rows(sql, (account, identifier, at_most))
            ids[identifier] = [row[0] for row in found]
        return ids

    # Links

    def link(self, account: str, relation: str, source: str, targets: Iterable[str], at: int) -> None:
        """Relate `source` to `targets` as of `at` (microseconds since 1970); existing links keep their moment."""
        rows = ((account, relation, source, target, at) for target in targets)
        self.run_many("INSERT OR IGNORE INTO link VALUES (?, ?, ?, ?, ?)", rows)

    def unlink(self, account: str, relation: str, source: str, targets: Iterable[str]) -> None:
        """Undo `link`."""
        rows = ((account, relation, source, target) for target in targets)
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

    def _schema(self) -> Iterator[str]:
        for resource in self._tables:
            table = resource.table
            columns = "".join(f', "{name}" {_SQL_TYPES[column.kind]}' for name, column in resource.columns.items())
            yield (
                f'CREATE TABLE IF NOT EXISTS "{table}" '
                f"(account TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL{columns}, PRIMARY KEY (account, id))"
            )
            for prefix, groups in (("UNIQUE ", resource.unique), ("", resource.indexes)):
                for group in groups:
                    names = ", ".join(f'"{name}"' for name in group)
                    yield f'CREATE {prefix}INDEX IF NOT EXISTS "{table}_{"_".join(group)}" ON "{table}" (account, {names})'

    def _origin(
        self, account: str, kind: str, through: tuple[Relation, str] | None
    ) -> tuple[str, list[str], list[Any], str]:
        table = self._resources[kind].table
        if through is None:
            return f'"{table}" AS r', ["r.account = ?"], [account], "NULL"
        relation, identifier = through
        if relation.foreign:
            return f'"{table}" AS r', ["r.account = ?", f'r."{relation.foreign}" = ?'], [account, identifier], "NULL"
        here, there = ("target", "source") if relation.inverse else ("source", "target")
        # CROSS JOIN keeps SQLite from starting at the other table.
        origin = f'link AS l CROSS JOIN "{table}" AS r ON r.account = l.account AND r.id = l.{there}'
        return origin, ["l.account = ?", "l.relation = ?", f"l.{here} = ?"], [account, relation.link, identifier], "l.at"

    def _beyond(self, kind: str, by: str, sort: Sort, cursor: Cursor, descending: bool) -> Where:
        """What lies beyond the cursor. NULL sorts before everything, as SQLite does it."""
        sign = "<" if descending else ">"
        if sort.column == "id":
            return Where(f"r.id {sign} ?", (cursor.id,))
        column = self._resources[kind].columns.get(sort.column)
        if cursor.value is None:
            rest = "" if descending else f" OR {by} IS NOT NULL"
            return Where(f"(({by} IS NULL AND r.id {sign} ?){rest})", (cursor.id,))
        later = f"({by}, r.id) {sign} (?, ?)"
        nullable = column is not None and column.nullable
        return Where(f"({later} OR {by} IS NULL)" if descending and nullable else later, (cursor.value, cursor.id))


def column_value(column: Column, body: Mapping[str, Any]) -> str | int | float | None:
    """What a column holds for a body."""
    value: Any = body
    for step in column.path.split("."):
        if not isinstance(value, dict):
            return None
        value = cast(Json, value).get(step)
    if value is None:
        return None
    if column.kind == "moment" and isinstance(value, str):
        moment = parse_moment(value)
        return None if moment is None else microseconds(moment)
    if column.kind == "flag":
        return int(bool(value))
    return value


def _dump(body: Json) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
