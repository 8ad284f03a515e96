"""Exports without a file: their rows, and the table that is made of them, in sealed pieces in the database of jobs.

So each instance of a service can go on with one, and give it to whoever may have it. As a file of rows is
(`rows_file`), the pieces are cut to what was kept before a run goes on. All methods block.
"""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, cast

import sqlalchemy as sa

from klaviyo_mcp.jobs.database import database_told
from klaviyo_mcp.jobs.errors import JobProblem, Superseded, TooMuch
from klaviyo_mcp.jobs.reading_out import Place
from klaviyo_mcp.jobs.store import EXPORT_KEPT, UNFINISHED, Job, JobStore, is_kept_here
from klaviyo_mcp.jobs.tables import EXPORT_PIECES
from klaviyo_mcp.jobs.writing import Rows, line_of
from klaviyo_mcp.loose_json import JSON

PIECE = 1024 * 1024
"""Bytes of a table that are sealed and kept as one object; rows have one for each page."""
WIDER = 3
"""How often the bytes of its rows a table may have: cells that are empty take room there."""
ROWS, MADE = "rows", "made"
WRITE = Callable[[Rows, IO[bytes]], None]
"""Makes a table of rows."""


@dataclass(frozen=True, slots=True)
class Output:
    """An export that is over and lies here: its `kind` and `form`, how many `rows` and `bytes` it has."""

    job: str
    kind: str
    form: str
    excel: bool
    rows: int
    bytes: int
    ended: datetime

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.kind}-{self.job}.{self.form}"

    @property
    def ends(self) -> datetime:
        """When it is removed."""
        return self.ended + EXPORT_KEPT


class Outputs:
    """What exports have read into one database. Raises StoreProblem for what that does not do."""

    def __init__(self, store: JobStore, most: int = 0) -> None:
        """`most` is how many bytes of rows one may have, for those that write."""
        self.store, self.most = store, most

    def going_on(self, job: Job, place: Place) -> "RowsPieces":
        """The rows of a run, cut to what was kept. Raises JobProblem where they are not as they were left."""
        later = (*_of(job.id, ROWS), EXPORT_PIECES.c.number > place.pages)
        with self.store.writing_of(job) as connection:
            connection.execute(EXPORT_PIECES.delete().where(*later))
        if self._size(job.id, ROWS) != place.size:
            raise JobProblem("The rows that were read so far are not here any more.", "Begin the export anew.")
        return RowsPieces(self.store, job, place, self.most)

    def make(self, job: Job, write: WRITE) -> None:
        """Make the table of the rows that were read, which go then; rows of JSON Lines are what was asked for.

        Raises TooMuch for one that is too wide.
        """
        if job.facts["target"]["form"] == "jsonl":
            return
        progress = self.store.job(job.id).progress
        if not progress.get("made"):
            with self.store.writing_of(job) as connection:
                connection.execute(EXPORT_PIECES.delete().where(*_of(job.id, MADE)))
            table = _Table(self.store, job, self.most * WIDER)
            write(lambda: self._rows(job.id), cast("IO[bytes]", table))
            table.finish()
            if not self.store.change(job.id, held=job, progress={**progress, "made": True}):
                raise Superseded
        with self.store.writing_of(job) as connection:
            connection.execute(EXPORT_PIECES.delete().where(*_of(job.id, ROWS)))

    def content(self, id: str) -> Iterator[bytes]:
        """What an export has made, piece by piece. Raises SealBroken."""
        return self._pieces(id, MADE if self._size(id, MADE) else ROWS)

    def of(self, whose: str) -> list[Output]:
        """Those of a company that are over, the newest first."""
        over = map(self.output, self.store.jobs(whose=whose, states=("done",)))
        return [output for output in over if output is not None]

    def unfinished(self, whose: str) -> list[Job]:
        """Those of a company that are not over, the newest first."""
        return [job for job in self.store.jobs(whose=whose, states=UNFINISHED) if is_kept_here(job)]

    def output(self, job: Job) -> Output | None:
        """What an export has made; None where it lies nowhere here, or not any more."""
        if job.state != "done" or not is_kept_here(job):
            return None
        target, count = job.facts["target"], job.progress.get("rows", 0)
        size = self._size(job.id, ROWS if target["form"] == "jsonl" else MADE)
        if not size and (count or target["form"] != "jsonl"):
            return None
        ended = datetime.fromisoformat(job.changed)
        return Output(job.id, job.facts["kind"], target["form"], target["excel"], count, size, ended)

    def bytes_of(self, whose: str) -> int:
        """How much all exports of a company have here."""
        ids = [job.id for job in self.store.jobs(whose=whose) if is_kept_here(job)]
        query = sa.select(sa.func.coalesce(sa.func.sum(EXPORT_PIECES.c.size), 0)).where(EXPORT_PIECES.c.job.in_(ids))
        with database_told(), self.store.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def remove(self, whose: str, id: str) -> bool:
        """Remove one of a company; whether it was there."""
        found = next((one for one in self.of(whose) if one.job == id), None)
        if found is not None:
            self.store.forget(id)
        return found is not None

    def _rows(self, id: str) -> Iterator[JSON]:
        for piece in self._pieces(id, ROWS):
            yield from map(json.loads, piece.split(b"\n")[:-1])

    def _pieces(self, id: str, form: str) -> Iterator[bytes]:
        query = sa.select(EXPORT_PIECES.c.number).where(*_of(id, form)).order_by(EXPORT_PIECES.c.number)
        with database_told(), self.store.engine.connect() as connection:
            numbers = list(connection.execute(query).scalars())
        for number in numbers:
            query = sa.select(EXPORT_PIECES.c.body).where(*_of(id, form), EXPORT_PIECES.c.number == number)
            with database_told(), self.store.engine.connect() as connection:
                body = connection.execute(query).scalar_one_or_none()
            if body is None:
                raise JobProblem("This export was removed meanwhile.", "Begin it anew.")
            yield self.store.seals.open_bytes(body, _place(id, form, number))

    def _size(self, id: str, form: str) -> int:
        query = sa.select(sa.func.coalesce(sa.func.sum(EXPORT_PIECES.c.size), 0)).where(*_of(id, form))
        with database_told(), self.store.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())


class RowsPieces:
    """Where the rows of a run go: see RowsFile, which does the same with a file."""

    def __init__(self, store: JobStore, job: Job, place: Place, most: int) -> None:
        """`place` is where the rows end that are there."""
        self._store, self._job, self._place, self._most = store, job, place, most

    def add(self, rows: list[JSON]) -> None:
        """Keep the rows of a page. The place knows of them then. Raises TooMuch, and Superseded."""
        data = b"".join(map(line_of, rows))
        if self._place.size + len(data) > self._most:
            raise TooMuch(
                f"The export has more than {self._most / 1e6:,.0f} MB, as much as there may be here, and was not made: "
                f"{self._place.rows:,} rows were read.",
                "Cancel it, and export less at a time: narrowed with --since and --until, or by a list or metric.",
            )
        number = self._place.pages
        with self._store.writing_of(self._job) as connection:
            connection.execute(EXPORT_PIECES.delete().where(*_of(self._job.id, ROWS), EXPORT_PIECES.c.number >= number))
            if data:
                connection.execute(EXPORT_PIECES.insert().values(_piece(self._store, self._job.id, ROWS, number, data)))
        self._place.rows += len(rows)
        self._place.size += len(data)

    def close(self) -> None:
        """There is nothing to close."""


class _Table(io.RawIOBase):
    """A file that is kept in pieces as it is written."""

    def __init__(self, store: JobStore, job: Job, most: int) -> None:
        self._store, self._job, self._most = store, job, most
        self._left = bytearray()
        self._number = self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._left += data
        while len(self._left) >= PIECE:
            self._keep(bytes(self._left[:PIECE]))
            del self._left[:PIECE]
        return len(data)

    def finish(self) -> None:
        """Keep what is left."""
        if self._left:
            self._keep(bytes(self._left))

    def _keep(self, data: bytes) -> None:
        self._written += len(data)
        if self._written > self._most:
            raise TooMuch(
                f"As a table the export has more than {self._most / 1e6:,.0f} MB, as much as there may be here.",
                "Cancel it, and export it with --format jsonl, or less at a time.",
            )
        with self._store.writing_of(self._job) as connection:
            connection.execute(
                EXPORT_PIECES.insert().values(_piece(self._store, self._job.id, MADE, self._number, data))
            )
        self._number += 1


def lines_of(pieces: Iterator[bytes]) -> Iterator[str]:
    """The lines of a file of UTF-8 that comes in pieces."""
    left = b""
    for piece in pieces:
        *whole, left = (left + piece).split(b"\n")
        yield from (f"{line.decode('utf-8', 'replace')}\n" for line in whole)
    if left:
        yield left.decode("utf-8", "replace")


def csv_rows_of(lines: Iterator[str]) -> Iterator[str]:
    """Rows of CSV of their lines: a cell may have several, and a part must not end in it."""
    row = ""
    for line in lines:
        row += line
        if row.count('"') % 2 == 0:
            yield row
            row = ""
    if row:
        yield row


def _of(id: str, form: str) -> tuple[sa.ColumnElement[bool], ...]:
    return EXPORT_PIECES.c.job == id, EXPORT_PIECES.c.form == form


def _piece(store: JobStore, id: str, form: str, number: int, data: bytes) -> JSON:
    body = store.seals.seal_bytes(data, _place(id, form, number))
    return {"job": id, "form": form, "number": number, "size": len(data), "body": body}


def _place(id: str, form: str, number: int) -> str:
    return f"{id}/{form}/{number}"
