"""The tables of the sandbox's database: one per resource, made from its declaration, and a few that all share."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from klaviyo_sandbox.clock import microseconds, parse_moment
from klaviyo_sandbox.declare import Column, Resource
from klaviyo_sandbox.facts import ColumnKind
from klaviyo_sandbox.loose_json import is_object

OAUTH_TABLES = ("oauth_app", "oauth_code", "oauth_grant", "oauth_token")
SHARED_TABLES = ("meta", "link", "departure", "work", "consent", "suppression", "pending_consent", *OAUTH_TABLES)

_SQL_TYPES: Mapping[ColumnKind, str] = {"text": "TEXT", "moment": "INTEGER", "number": "REAL", "flag": "INTEGER"}

_SHARED_SQL = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link (
    account TEXT NOT NULL, relation TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, relation, source, target)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_by_target ON link (account, relation, target, source);
CREATE INDEX IF NOT EXISTS link_by_moment ON link (account, relation, source, at, target);
CREATE TABLE IF NOT EXISTS departure (
    account TEXT NOT NULL, relation TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    joined INTEGER NOT NULL, departed INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS departure_by_source ON departure (account, relation, source, departed);
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
    account TEXT NOT NULL, contact TEXT NOT NULL, request TEXT NOT NULL,
    PRIMARY KEY (account, contact, request)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS oauth_app (
    client TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL, redirect_uris TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS oauth_code (
    code TEXT PRIMARY KEY, client TEXT NOT NULL, account TEXT NOT NULL, scopes TEXT NOT NULL,
    redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS oauth_grant (
    refresh_token TEXT PRIMARY KEY, client TEXT NOT NULL, account TEXT NOT NULL, scopes TEXT NOT NULL,
    used INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS oauth_token (
    access_token TEXT PRIMARY KEY, refresh_token TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request_log (number INTEGER PRIMARY KEY, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rate_window (
    owner TEXT NOT NULL, name TEXT NOT NULL, seconds INTEGER NOT NULL, started REAL NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (owner, name, seconds)) WITHOUT ROWID;
"""


def schema_statements(resources: Iterable[Resource]) -> Iterator[str]:
    """The statements that create what is missing of the shared tables and of each resource's own."""
    yield from _SHARED_SQL.split(";")
    for resource in resources:
        table = resource.table
        columns = "".join(f', "{name}" {_SQL_TYPES[column.kind]}' for name, column in resource.columns.items())
        yield (
            f'CREATE TABLE IF NOT EXISTS "{table}" '
            f"(account TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL{columns}, PRIMARY KEY (account, id))"
        )
        for prefix, groups in (("UNIQUE ", resource.unique), ("", resource.indexes)):
            for group in groups:
                index, names = "_".join((table, *group)), ", ".join(f'"{name}"' for name in group)
                yield f'CREATE {prefix}INDEX IF NOT EXISTS "{index}" ON "{table}" (account, {names})'


def column_value(column: Column, body: Mapping[str, Any]) -> str | int | float | None:
    """What a column holds for a body."""
    value: Any = body
    for step in column.path.split("."):
        if not is_object(value):
            return None
        value = value.get(step)
    if value is None:
        return None
    if column.kind == "moment" and isinstance(value, str):
        moment = parse_moment(value)
        return None if moment is None else microseconds(moment)
    if column.kind == "flag":
        return int(bool(value))
    if column.kind == "number":
        return float(value)
    return value
