"""Seals anew what lies in the database of jobs, with the first of the vault's keys, while others work with it.

It can be broken off and begun again at any time: what the first key opens is left as it is. All of it blocks.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from cryptography.fernet import InvalidToken

from klaviyo_mcp.jobs.database import database_told, writing

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet

SEALED = (
    ("klaviyo_job_chunks", ("job", "number"), "body"),
    ("klaviyo_job_rejected", ("job", "part"), "body"),
    ("klaviyo_job_shown", ("job",), "body"),
    ("klaviyo_export_pieces", ("job", "form", "number"), "body"),
    ("klaviyo_uploads", ("id",), "sealed"),
    ("klaviyo_upload_pieces", ("upload", "number"), "body"),
)
"""Tables, what names a row of each, and the column that is sealed."""
MOST_PASSES = 10
"""Somebody who still seals with the old key would have it go on for ever."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many objects were sealed anew, and how many no key opens, which stay as they are."""

    renewed: int
    lost: int


def reseal(engine: sa.Engine, first: "Fernet", opener: "MultiFernet") -> Resealed:
    """Seal with the `first` key what any key of `opener` opens. Raises StoreProblem.

    It is gone through until there is nothing left to do: what was sealed with the old key may be written meanwhile.
    """
    done = _pass(engine, first, opener)
    renewed, passes = done.renewed, 1
    while done.renewed and passes < MOST_PASSES:
        done = _pass(engine, first, opener)
        renewed, passes = renewed + done.renewed, passes + 1
    return Resealed(renewed, done.lost)


def _pass(engine: sa.Engine, first: "Fernet", opener: "MultiFernet") -> Resealed:
    renewed = lost = 0
    with database_told():
        there = set(sa.inspect(engine).get_table_names())
    for name, keys, column in SEALED:
        if name not in there:
            continue
        table = sa.table(name, *map(sa.column, (*keys, column)))
        for which in _rows(engine, table, keys, column):
            where = [table.c[key] == value for key, value in zip(keys, which, strict=True)]
            with database_told(), engine.connect() as connection:
                body = connection.execute(sa.select(table.c[column]).where(*where)).scalar_one_or_none()
            if body is None or _opens(first, body):  # it has gone, or is as it should be
                continue
            try:
                anew = opener.rotate(body)
            except InvalidToken:
                lost += 1
                continue
            # What was written or removed meanwhile stays so.
            update = table.update().where(*where, table.c[column] == body).values({column: anew})
            with writing(engine) as connection:
                renewed += connection.execute(update).rowcount
    return Resealed(renewed, lost)


def _rows(engine: sa.Engine, table: sa.TableClause, keys: tuple[str, ...], column: str) -> list[tuple[Any, ...]]:
    query = sa.select(*(table.c[key] for key in keys)).where(table.c[column].is_not(None))
    with database_told(), engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def _opens(key: "Fernet", body: bytes) -> bool:
    try:
        key.decrypt(body)
    except InvalidToken:
        return False
    return True
