"""What is kept of jobs, in tables beside DBOS's: the jobs, the items of their chunks, and the rows that did not get in.

All methods block, and each is one transaction. Items and rows are people's data: they are sealed (`seals`), items are
removed as soon as their job has ended, rejected rows some days later. On SQLite or PostgreSQL.
"""

import json
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from klaviyo_mcp.jobs.database import alone, connected, database_told, make_tables, writing
from klaviyo_mcp.jobs.errors import NoSuchJob, Superseded
from klaviyo_mcp.jobs.items import Rejected
from klaviyo_mcp.jobs.seals import Seals
from klaviyo_mcp.jobs.tables import CHUNKS, EXPORT_PIECES, JOBS, REJECTED, SHOWN, TABLES
from klaviyo_mcp.loose_json import JSON

State = Literal["checking", "draft", "queued", "running", "paused", "done", "cancelled"]
"""`checking` is being read, `draft` not agreed to yet: both are forgotten. `done` and `cancelled` are ends."""
ChunkState = Literal["ready", "sending", "sent", "done"]
"""`sending` until its answer is stored: after a death nobody knows what became of it."""
ENDED = ("done", "cancelled")
UNDER_WAY = ("queued", "running")
"""What goes on by itself, or will."""
UNFINISHED = (*UNDER_WAY, "paused")
KEPT = timedelta(days=14)
"""How long the report of a job that has ended is kept, with its rejected rows."""
EXPORT_KEPT = timedelta(days=3)
"""How long the rows of an export that lie here are kept after its end: they are people's data, and many."""

QUEUEING = 7_270_002
"""The number of the lock under which jobs are begun."""


@dataclass(slots=True)
class Job:
    """One job. `whose` is the account it is for, `facts` what it is and does not change; `reason` why it is paused.

    `runs` counts how often it was begun or resumed, and `wish` is what was asked of it meanwhile: `pause` or `cancel`.
    """

    id: str
    whose: str
    state: State
    facts: JSON
    wish: str = ""
    reason: str = ""
    created: str = ""
    changed: str = ""
    runs: int = 0
    progress: JSON = field(default_factory=dict[str, Any])
    worker: str = ""


@dataclass(slots=True)
class Chunk:
    """The items of one request: for each its line, body, identity and the row as it was. `notes` is what is known."""

    number: int
    state: ChunkState
    items: list[tuple[int, JSON, str, str]]
    notes: JSON


@dataclass(frozen=True, slots=True)
class Tally:
    """Jobs by their state, and rows of unfinished jobs by that of their chunk."""

    jobs: dict[str, int]
    rows: dict[str, int]


class JobStore:
    """The tables of one database. Raises StoreProblem for what the database does not do."""

    def __init__(self, url: str, seals: Seals) -> None:
        """`url` is SQLAlchemy's. Tables that are not there are made."""
        self.seals = seals
        self.sqlite = url.startswith("sqlite")
        self.engine = connected(url)
        make_tables(self.engine, TABLES)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def add(self, job: Job) -> None:
        """A new job."""
        now = _now()
        values = {**_columns(job), "created": now, "changed": now}
        with self._writing() as connection:
            connection.execute(JOBS.insert().values(values))

    def job(self, id: str) -> Job:
        """The job of this id, or of the only one that begins so. Raises NoSuchJob."""
        with database_told(), self.engine.connect() as connection:
            rows = connection.execute(sa.select(JOBS).where(JOBS.c.id.startswith(id, autoescape=True)).limit(2))
            found = [_job(row) for row in rows]
        exact = [job for job in found if job.id == id] or (found if len(found) == 1 else [])
        if not exact:
            several = f"Several jobs begin with {id!r}." if found else f"There is no job {id!r}."
            raise NoSuchJob(several, "Look with: klaviyo-mcp jobs list")
        return exact[0]

    def jobs(self, *, whose: str | None = None, states: Iterable[str] = ()) -> list[Job]:
        """Jobs, the newest first; those of one account, and in some states, where that is said."""
        query = sa.select(JOBS).order_by(JOBS.c.created.desc(), JOBS.c.id)
        if whose is not None:
            query = query.where(JOBS.c.whose == whose)
        if states := list(states):
            query = query.where(JOBS.c.state.in_(states))
        with database_told(), self.engine.connect() as connection:
            return [_job(row) for row in connection.execute(query)]

    def tally(self) -> Tally:
        """How many jobs there are, and how many rows unfinished ones have, whosever."""
        jobs = sa.select(JOBS.c.state, sa.func.count()).where(JOBS.c.state != "draft").group_by(JOBS.c.state)
        unfinished = sa.select(JOBS.c.id).where(JOBS.c.state.in_(UNFINISHED))
        rows = sa.select(CHUNKS.c.state, sa.func.sum(CHUNKS.c["items"])).where(CHUNKS.c.job.in_(unfinished))
        with database_told(), self.engine.connect() as connection:
            by_state = {state: int(count) for state, count in connection.execute(jobs)}
            by_chunk = {state: int(count) for state, count in connection.execute(rows.group_by(CHUNKS.c.state))}
        return Tally(by_state, by_chunk)

    def change(self, id: str, *, only: Iterable[str] = (), held: Job | None = None, **values: Any) -> bool:
        """Change columns of a job, where its state is one of `only` and it is still `held`; whether that was so."""
        with self._writing() as connection:
            return self._changed(connection, id, only, held, values)

    def _changed(self, connection: sa.Connection, id: str, only: Iterable[str], held: Job | None, values: JSON) -> bool:
        for name in ("facts", "progress"):
            if name in values:
                values[name] = json.dumps(values[name])
        query = JOBS.update().where(JOBS.c.id == id).values({**values, "changed": _now()})
        if states := list(only):
            query = query.where(JOBS.c.state.in_(states))
        if held is not None:
            query = query.where(*_held(held))
        return connection.execute(query).rowcount > 0

    def add_chunk(self, job: str, number: int, lines: list[int], items: list[bytes]) -> None:
        """The items of the request of this number: the line of each, and the JSON of a Chunk's item."""
        row = {
            "job": job,
            "number": number,
            "state": "ready",
            "items": len(items),
            "body": self.seals.seal_rows(items, f"{job}/{number}"),
            "lines": zlib.compress(json.dumps(lines).encode(), 1),
            "notes": "{}",
        }
        with self._writing() as connection:
            connection.execute(CHUNKS.insert().values(row))

    def chunk(self, job: str, number: int, *, opened: bool = True) -> Chunk:
        """A chunk with its items, or without them where it need not be `opened`. Raises SealBroken."""
        columns = (CHUNKS.c.state, CHUNKS.c.notes, *([CHUNKS.c.body] if opened else []))
        query = sa.select(*columns).where(CHUNKS.c.job == job, CHUNKS.c.number == number)
        with database_told(), self.engine.connect() as connection:
            row = connection.execute(query).one()
        items = self.seals.open_rows(row.body, f"{job}/{number}") if opened else []
        return Chunk(number, row.state, items, json.loads(row.notes))

    def chunk_states(self, job: str) -> list[tuple[int, ChunkState, int, JSON]]:
        """Number, state, how many items and notes of every chunk, in order."""
        columns = (CHUNKS.c.number, CHUNKS.c.state, CHUNKS.c["items"], CHUNKS.c.notes)
        query = sa.select(*columns).where(CHUNKS.c.job == job).order_by(CHUNKS.c.number)
        with database_told(), self.engine.connect() as connection:
            return [(row[0], row[1], row[2], json.loads(row[3])) for row in connection.execute(query)]

    def lines(self, job: str) -> Iterator[tuple[ChunkState, list[int], JSON]]:
        """State, lines of the file and notes of every chunk, in order, one at a time."""
        for number, *_ in self.chunk_states(job):
            query = sa.select(CHUNKS).where(CHUNKS.c.job == job, CHUNKS.c.number == number)
            with database_told(), self.engine.connect() as connection:
                row = connection.execute(query).one()
            yield row.state, json.loads(zlib.decompress(row.lines)), json.loads(row.notes)

    def set_chunk(
        self,
        job: Job,
        number: int,
        state: ChunkState,
        notes: JSON,
        rejected: Iterable[Rejected] = (),
        *,
        part: Literal["sent", "told"] = "sent",
    ) -> None:
        """What became of a chunk, and which of its rows did not get in on the way there. To be repeated at will.

        `part` is when these rows fell: as they were sent, or as Klaviyo's job told. Raises Superseded once another run
        has the job: what that one has written stands.
        """
        query = CHUNKS.update().where(CHUNKS.c.job == job.id, CHUNKS.c.number == number)
        with self.writing_of(job) as connection:
            connection.execute(query.values(state=state, notes=json.dumps(notes)))
            self._reject(connection, job.id, f"{part}-{number:08}", list(rejected), replace=True)

    @contextmanager
    def writing_of(self, job: Job) -> Generator[sa.Connection]:
        """One transaction of the run that has a job. Raises Superseded once that is another one."""
        with self._writing() as connection:
            # The row is locked, as a claim in between would let this come after what the next run writes.
            if connection.execute(sa.select(JOBS.c.id).where(*_held(job)).with_for_update(read=True)).first() is None:
                raise Superseded
            yield connection

    def reject(self, job: str, number: int, rejected: list[Rejected]) -> None:
        """Rows that did not pass the check, in the order of the file; `number` is that of the batch."""
        with self._writing() as connection:
            self._reject(connection, job, f"checked-{number:08}", rejected)

    def rejected(self, job: str, part: str = "") -> Iterator[Rejected]:
        """Rows that did not get in, in the order of the file.

        `part` is `checked` for those of the check, `sent` for those of sending, `told` for those of Klaviyo's jobs.
        """
        parts = sa.select(REJECTED.c.part).where(REJECTED.c.job == job, REJECTED.c.part.startswith(part))
        with database_told(), self.engine.connect() as connection:
            names = sorted(connection.execute(parts).scalars())
        for name in names:
            query = sa.select(REJECTED.c.body).where(REJECTED.c.job == job, REJECTED.c.part == name)
            with database_told(), self.engine.connect() as connection:
                body = connection.execute(query).scalar_one()
            for row in self.seals.open(body, f"{job}/{name}"):
                yield Rejected(*row)

    def rejected_of(self, job: str, number: int) -> list[Rejected]:
        """Rows of a chunk that were rejected before, or while, it was sent."""
        return list(self.rejected(job, f"sent-{number:08}"))

    def rejected_count(self, job: str) -> int:
        """How many rows did not get in after they had been sent."""
        query = sa.select(sa.func.coalesce(sa.func.sum(REJECTED.c.rows), 0))
        query = query.where(REJECTED.c.job == job, REJECTED.c.part.not_like("checked-%"))
        with database_told(), self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def claim(self, job: Job, worker: str, *, only: Iterable[str], **values: Any) -> bool:
        """Begin another run of a job as a worker's own, if it still is as the caller saw it; whether that was so.

        The run before can write nothing any more, and stops at its next step.
        """
        query = JOBS.update().where(*_held(job), JOBS.c.state.in_(list(only)))
        given = {"worker": worker, "state": "running", "runs": job.runs + 1, "changed": _now(), **values}
        with self._writing() as connection:
            return connection.execute(query.values(given)).rowcount > 0

    def wish(self, id: str, wish: str) -> bool:
        """Ask something of a job that runs; whether it does. Nobody's pause takes back what is to be cancelled."""
        query = JOBS.update().where(JOBS.c.id == id, JOBS.c.state == "running")
        kept = sa.case((JOBS.c.wish == "cancel", "cancel"), else_=wish)
        with self._writing() as connection:
            return connection.execute(query.values(wish=kept, changed=_now())).rowcount > 0

    def queue(self, job: Job, clashes: Callable[[Job], bool]) -> Job | None:
        """Have a draft or a new job wait for its run, unless an unfinished one clashes: that one is given.

        Of several processes that do so at once, one is first, and the others get its job.
        """
        unfinished = sa.select(JOBS).where(JOBS.c.whose == job.whose, JOBS.c.state.in_(UNFINISHED))
        values = {**_columns(job), "state": "queued", "changed": _now()}
        with self._writing() as connection:
            alone(connection, QUEUEING)
            for other in map(_job, connection.execute(unfinished)):
                if other.id != job.id and clashes(other):
                    return other
            if job.state != "draft":
                connection.execute(JOBS.insert().values({**values, "created": _now()}))
                return None
            draft = JOBS.update().where(JOBS.c.id == job.id, JOBS.c.state == "draft").values(values)
            if not connection.execute(draft).rowcount:
                raise NoSuchJob(
                    f"The draft {job.id} was begun already, or was forgotten as it is older than a day.",
                    f"Look whether there is a job {job.id}; begin anew only if there is none.",
                )
        return None

    def end(self, id: str, *, only: Iterable[str], held: Job | None = None, **values: Any) -> bool:
        """As `change`, for the end of a job: its items are forgotten with it, and what an export has read.

        The lines of its items stay for the report.
        """
        with self._writing() as connection:
            if changed := self._changed(connection, id, only, held, values):
                _forget_items(connection, id)
            return changed

    def keep_shown(self, job: str, text: str) -> None:
        """Keep what the check of a job has found, sealed."""
        with self._writing() as connection:
            connection.execute(SHOWN.delete().where(SHOWN.c.job == job))
            connection.execute(SHOWN.insert().values(job=job, body=self.seals.seal(text, f"{job}/shown")))

    def shown(self, job: str) -> str | None:
        """What its check has found; None where that is not kept."""
        with database_told(), self.engine.connect() as connection:
            body = connection.execute(sa.select(SHOWN.c.body).where(SHOWN.c.job == job)).scalar_one_or_none()
        return None if body is None else self.seals.open(body, f"{job}/shown")

    def empty(self, job: str) -> None:
        """Forget all that a job holds, but not that there is one."""
        with self._writing() as connection:
            _empty(connection, job)

    def forget(self, job: str) -> None:
        """Forget all of a job."""
        with self._writing() as connection:
            _empty(connection, job)
            connection.execute(JOBS.delete().where(JOBS.c.id == job))

    def tidy(self) -> None:
        """Forget what has been over for long, drafts of yesterday, and exports here that nobody goes on with."""
        now = datetime.now(UTC)
        for job in self.jobs(states=("checking", "draft", "paused", *ENDED)):
            age, here = now - datetime.fromisoformat(job.changed), is_kept_here(job)
            kept = timedelta(days=1) if job.state in ("checking", "draft") else KEPT
            if age > kept and (here or job.state != "paused"):
                self.forget(job.id)
            elif here and job.state in ENDED and age > EXPORT_KEPT:
                with self._writing() as connection:
                    _forget_items(connection, job.id)

    def _reject(
        self, connection: sa.Connection, job: str, part: str, rejected: list[Rejected], *, replace: bool = False
    ) -> None:
        if replace:
            connection.execute(REJECTED.delete().where(REJECTED.c.job == job, REJECTED.c.part == part))
        if rejected:
            rows = [(one.line, one.raw, one.why, one.advice, one.where, one.duplicate) for one in rejected]
            sealed = self.seals.seal(rows, f"{job}/{part}")
            connection.execute(REJECTED.insert().values(job=job, part=part, rows=len(rows), body=sealed))

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return writing(self.engine)


def _forget_items(connection: sa.Connection, job: str) -> None:
    connection.execute(CHUNKS.update().where(CHUNKS.c.job == job).values(body=None))
    connection.execute(SHOWN.delete().where(SHOWN.c.job == job))
    connection.execute(EXPORT_PIECES.delete().where(EXPORT_PIECES.c.job == job))


def _empty(connection: sa.Connection, job: str) -> None:
    for table in (CHUNKS, REJECTED, SHOWN, EXPORT_PIECES):
        connection.execute(table.delete().where(table.c.job == job))


def is_kept_here(job: Job) -> bool:
    """Whether what an export reads lies in the database, and not in a file."""
    return bool(job.facts.get("target", {}).get("in_database"))


def _held(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    """That a job is this worker's, in this run."""
    return JOBS.c.id == job.id, JOBS.c.worker == job.worker, JOBS.c.runs == job.runs


def _columns(job: Job) -> JSON:
    texts = {"facts": json.dumps(job.facts), "progress": json.dumps(job.progress)}
    names = ("id", "whose", "state", "wish", "reason", "runs", "worker")
    return {**{name: getattr(job, name) for name in names}, **texts}


def _job(row: Any) -> Job:
    found = dict(row._mapping)
    return Job(**{**found, "facts": json.loads(row.facts), "progress": json.loads(row.progress)})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
