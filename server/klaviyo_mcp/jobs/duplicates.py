"""Rows that are about the same person or thing: found in a table that SQLite keeps on disk, and settled by one rule.

The table is a file without a name that goes away with the process, whatever ends it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import blake2b
from typing import Any

from klaviyo_mcp.jobs.items import Item, Rejected
from klaviyo_mcp.jobs.rows import SourceProblem
from klaviyo_mcp.loose_json import JSON, is_object

RULES = ("first", "last", "merge", "refuse")
CACHE = 16 * 1024
"""KiB of the table that are kept in memory."""
Reject = Callable[[int, str, str, str, str], Rejected]
Checked = Iterator[Item | Rejected]


def settled(rows: Checked, rule: str, reject: Reject) -> Checked:
    """Rows of which no two are about the same. Raises SourceProblem where the disk has no room for the table."""
    try:
        # No name: a database of its own on disk, deleted as soon as it is opened.
        with closing(sqlite3.connect("", isolation_level=None)) as table:
            table.execute(f"PRAGMA cache_size = -{CACHE}")
            table.execute("PRAGMA journal_mode = OFF")
            table.execute("PRAGMA synchronous = OFF")
            if rule in ("first", "refuse"):
                yield from _first(table, rows, rule, reject)
            else:
                yield from _spooled(table, rows, rule)
    except sqlite3.Error as error:
        raise SourceProblem(
            f"Duplicates cannot be looked for: {error}",
            "Make room on the disk of temporary files, or set TMPDIR to a folder on another.",
        ) from error


def _first(table: sqlite3.Connection, rows: Checked, rule: str, reject: Reject) -> Checked:
    table.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
    insert = table.cursor().execute
    table.execute("BEGIN")
    for row in rows:
        if not isinstance(row, Item) or not row.identity:
            yield row
            continue
        key = _key(row.identity)
        if insert("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, row.line)).rowcount:
            yield row
            continue
        (line,) = table.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
        what, advice = row.identity.partition("=")[0], "Give --duplicates first, last or merge, or take one of them out"
        if rule == "refuse":
            # The line is told of the row alone: as part of the problem it would make each a group of its own.
            refused = reject(row.line, row.raw, "", f"has the {what} of an earlier row", advice)
            refused.why = f"has the {what} of line {line}"
            yield refused
        else:
            yield Rejected(
                row.line, row.raw, f"has the {what} of line {line}, which stands for it", "", "", duplicate=True
            )


def _spooled(table: sqlite3.Connection, rows: Checked, rule: str) -> Checked:
    table.execute(
        "CREATE TABLE kept (at INTEGER PRIMARY KEY, key BLOB UNIQUE, line INTEGER, identity TEXT, raw TEXT, body TEXT)"
    )
    run = table.cursor().execute
    table.execute("BEGIN")
    for at, row in enumerate(rows):
        if not isinstance(row, Item):
            yield row
            continue
        key = _key(row.identity) if row.identity else None
        put = (at, key, row.line, row.identity, row.raw, row.text)
        if run("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?, ?, ?)", put).rowcount:
            continue
        place, line, raw, text = run("SELECT at, line, raw, body FROM kept WHERE key = ?", (key,)).fetchone()
        what = row.identity.partition("=")[0]
        body = row.text if rule == "last" else _text(merged(json.loads(text), row.body))
        run("UPDATE kept SET line = ?, raw = ?, body = ? WHERE at = ?", (row.line, row.raw, body, place))
        why = f"has the {what} of line {row.line}, which {'stands for it' if rule == 'last' else 'it was merged into'}"
        yield Rejected(line, raw, why, "", "", duplicate=True)
    for line, identity, raw, text in table.execute("SELECT line, identity, raw, body FROM kept ORDER BY at"):
        yield Item(line, json.loads(text), identity, len(text) if text.isascii() else len(text.encode()), raw, text)


def merged(earlier: JSON, later: JSON) -> JSON:
    """One item of two: later values win, objects are merged, and what only the earlier has stays."""
    found: JSON = dict(earlier)
    for name, value in later.items():
        before: Any = found.get(name)
        found[name] = merged(before, value) if is_object(before) and is_object(value) else value
    return found


def _text(body: JSON) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _key(identity: str) -> bytes:
    # 16 bytes, as two that differ must not be taken for one among any number of rows.
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
