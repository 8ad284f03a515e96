"""Files that people have given to a service for jobs: whole or not at all, in sealed pieces, each for one company.

They lie beside the jobs, on SQLite or PostgreSQL, so that every instance has them, for a day. All methods block.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from klaviyo_mcp.jobs.database import alone, database_told, lock_of, make_tables, writing
from klaviyo_mcp.jobs.errors import NoSuchUpload, TooMuch
from klaviyo_mcp.jobs.store import JobStore

PIECE = 1024 * 1024
"""Bytes of a file that are sealed and kept as one object."""
KEPT = timedelta(days=1)
ROOM = "Remove one that is not needed any more, or wait: each is removed after a day."

_tables = sa.MetaData()
_uploads = sa.Table(
    "klaviyo_uploads",
    _tables,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("whose", sa.String(64), nullable=False, index=True),
    sa.Column("company", sa.String(64), nullable=False),
    sa.Column("created", sa.String(40), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
_pieces = sa.Table(
    "klaviyo_upload_pieces",
    _tables,
    sa.Column("upload", sa.String(40), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Most:
    """How much one company may have lying here: files, and bytes of all of them together."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that lies here. `about` says what is in it; its `size` is in bytes."""

    id: str
    name: str
    about: str
    size: int
    created: datetime

    @property
    def ends(self) -> datetime:
        """When it is removed."""
        return self.created + KEPT


class Uploads:
    """The uploads in one database. Raises StoreProblem for what the database does not do."""

    def __init__(self, store: JobStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Tables that are not there are made."""
        self._engine, self._seals, self._clock = store.engine, store.seals, clock
        make_tables(self._engine, _tables)

    def add(self, whose: str, company: str, name: str, about: str, file: BinaryIO, size: int, most: Most) -> Upload:
        """Keep a file, read from where it stands, for a company of this Klaviyo id.

        Raises TooMuch where the company would have more than it may.
        """
        upload = Upload(f"upload-{os.urandom(6).hex()}", name, about, size, self._clock())
        with writing(self._engine) as connection:
            self._refuse_too_much(connection, whose, size, most)
            number = 0
            while piece := file.read(PIECE):
                sealed = self._seals.seal_bytes(piece, f"{upload.id}/{number}")
                connection.execute(_pieces.insert().values(upload=upload.id, number=number, body=sealed))
                number += 1
            row = {
                "id": upload.id,
                "whose": whose,
                "company": company,
                "created": upload.created.isoformat(),
                "size": size,
                "sealed": self._seals.seal([name, about], f"{whose}/{upload.id}"),
            }
            connection.execute(_uploads.insert().values(row))
        return upload

    def of(self, whose: str) -> list[Upload]:
        """Those of a company, the newest first. Raises SealBroken."""
        query = sa.select(_uploads).where(_uploads.c.whose == whose, _uploads.c.created > self._oldest)
        with database_told(), self._engine.connect() as connection:
            rows = list(connection.execute(query.order_by(_uploads.c.created.desc())))
        found: list[Upload] = []
        for row in rows:
            name, about = self._seals.open(row.sealed, f"{whose}/{row.id}")
            found.append(Upload(row.id, name, about, row.size, _moment(row.created)))
        return found

    def write(self, whose: str, id: str, folder: Path) -> Path:
        """Write a file of a company into a folder, under its own name. Raises NoSuchUpload and SealBroken."""
        found = next((one for one in self.of(whose) if one.id == id), None)
        if found is None:
            raise _none(id)
        path = folder / found.name
        written = number = 0
        with path.open("xb") as file:
            while (sealed := self._piece(id, number)) is not None:
                written += file.write(self._seals.open_bytes(sealed, f"{id}/{number}"))
                number += 1
        if written != found.size:  # it was removed meanwhile
            raise _none(id)
        return path

    def remove(self, whose: str, id: str) -> bool:
        """Remove a file of a company; whether it was there."""
        return self._removed(_uploads.c.whose == whose, _uploads.c.id == id) > 0

    def forget(self, company: str) -> int:
        """Remove all files of a company by its Klaviyo id; how many there were."""
        return self._removed(_uploads.c.company == company)

    def companies(self) -> list[str]:
        """The Klaviyo ids of all companies that have files here."""
        with database_told(), self._engine.connect() as connection:
            return sorted(connection.execute(sa.select(_uploads.c.company).distinct()).scalars())

    def tidy(self) -> int:
        """Remove what is over a day old; how many files that were."""
        return self._removed(_uploads.c.created <= self._oldest)

    @property
    def _oldest(self) -> str:
        return (self._clock() - KEPT).isoformat()

    def _refuse_too_much(self, connection: sa.Connection, whose: str, size: int, most: Most) -> None:
        # Two that come at the same time must not both find room for the last one.
        alone(connection, lock_of(f"uploads {whose}"))
        counted = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_uploads.c.size), 0))
        count, total = connection.execute(
            counted.where(_uploads.c.whose == whose, _uploads.c.created > self._oldest)
        ).one()
        if count >= most.files:
            raise TooMuch(f"There are {count:,} files of this account already, as many as there may be.", ROOM)
        if total + size > most.bytes:
            raise TooMuch(
                f"With this file, those of this account would have {(total + size) / 1e6:,.1f} MB together; "
                f"{most.bytes / 1e6:,.0f} MB are possible.",
                ROOM,
            )

    def _piece(self, id: str, number: int) -> bytes | None:
        query = sa.select(_pieces.c.body).where(_pieces.c.upload == id, _pieces.c.number == number)
        with database_told(), self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _removed(self, *which: sa.ColumnElement[bool]) -> int:
        with writing(self._engine) as connection:
            ids = list(connection.execute(sa.select(_uploads.c.id).where(*which)).scalars())
            for id in ids:
                connection.execute(_pieces.delete().where(_pieces.c.upload == id))
            if ids:
                connection.execute(_uploads.delete().where(_uploads.c.id.in_(ids)))
            return len(ids)


def _none(id: str) -> NoSuchUpload:
    return NoSuchUpload(
        f"There is no upload {id!r} of this account: it was removed, or it is over a day old.",
        "Have a person upload the file again, and take the id that the page shows.",
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def file_name(given: str) -> str:
    """A name that a file may have in any folder, of what a browser calls it; the end is kept, as it says the form."""
    base = given.replace("\\", "/").rpartition("/")[2]
    safe = "".join(sign if sign.isprintable() and sign not in '<>:"|?*' else "_" for sign in base).strip(" .")
    start, dot, end = safe.rpartition(".")
    if not dot:
        start, end = safe, ""
    # 255 bytes are what file systems take.
    short = start.encode("utf-8", "replace")[:120].decode("utf-8", "ignore")
    return f"{short or 'file'}{dot}{end[:20]}"
