"""One run of an export: pages into a file of rows, kept step by step, and the file that was asked for at the end.

The rows lie in FILE.part until all are there. What has been written is on the disk before it is kept how far the export
is; going on cuts the file to what was kept, so that a death at any moment leaves no row twice, and none out.
"""

import errno
import os
import shutil
import socket
import stat
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from anyio.to_thread import run_sync

from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.answers.user_content import without_their_words
from klaviyo_mcp.jobs.engine import Runner, Steps
from klaviyo_mcp.jobs.errors import JobProblem, Superseded
from klaviyo_mcp.jobs.export_kind import ExportKind
from klaviyo_mcp.jobs.keeping import stored
from klaviyo_mcp.jobs.patience import patiently
from klaviyo_mcp.jobs.reading_out import Place, Question, arguments_at, taken
from klaviyo_mcp.jobs.sending import Trouble
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.jobs.writing import Rows, line_of, rows_of, write_csv, write_parquet
from klaviyo_mcp.loose_json import JSON, items

PAGES_TOGETHER = 20
"""Pages of one step of the engine; how far an export is is kept after each page."""
TAIL = 4_096
"""Bytes at the end of the rows by which they are known again."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Read = Callable[[str, JSON], Awaitable[Outcome]]
"""Carries out a read. Raises ActionError and KlaviyoError."""
OpenRead = Callable[[Job], AbstractAsyncContextManager[Read]]
Asked = Callable[[], Awaitable[str]]
"""What was asked of an export meanwhile: `pause` or `cancel`."""


@dataclass(frozen=True, slots=True)
class Target:
    """The file of an export. `force` takes the place of one that is there; `excel` is CSV as Excel wants it."""

    path: Path
    form: str
    excel: bool = False
    force: bool = False

    @property
    def part(self) -> Path:
        """Where the rows are until all are there."""
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def made(self) -> Path:
        """Where a table is until it is whole."""
        return self.path.with_name(f"{self.path.name}.part.{self.form}")


class RowsFile:
    """The file of rows, whose end is where the last step that was kept has left it."""

    def __init__(self, path: Path, file: IO[bytes], place: Place) -> None:
        """`file` is open at its end."""
        self._path, self._file, self._place = path, file, place
        self._end = b""

    @classmethod
    def going_on(cls, path: Path, place: Place) -> "RowsFile":
        """The file of an export, cut to what was kept. Raises JobProblem where it is not the one that was left."""
        with _told(path):
            try:
                file = _own(path) if place.size else _new(path)
            except FileNotFoundError:
                raise _not_as_left(path, "is not there any more") from None
            start = max(0, place.size - TAIL)
            file.seek(start)
            end = file.read(place.size - start)
            if len(end) < place.size - start or (place.size and _hash(end) != place.tail):
                file.close()
                raise _not_as_left(path, "is not as it was left")
            file.truncate(place.size)
            file.seek(place.size)
        found = cls(path, file, place)
        found._end = end
        return found

    def add(self, rows: list[JSON]) -> None:
        """Write rows, and have them on the disk. The place knows of them then."""
        data = b"".join(map(line_of, rows))
        with _told(self._path):
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._end = (self._end + data)[-TAIL:]
        self._place.rows += len(rows)
        self._place.size += len(data)
        self._place.tail = _hash(self._end)

    def close(self) -> None:
        """Close it; what could not be written was told before."""
        with suppress(OSError):
            self._file.close()


async def pages(
    kind: ExportKind,
    question: Question,
    place: Place,
    read: Read,
    asked: Asked,
    take: Callable[[list[JSON]], Awaitable[None]],
    *,
    most: int | None = None,
    user_content: bool = True,
) -> str:
    """Read page after page and have the rows taken, until all were, `most` pages were, or something else was asked for.

    Gives what was asked for, or "". Raises Trouble for what does not pass.
    """
    count = 0
    while not place.over and (most is None or count < most):
        if wish := await asked():
            return wish
        arguments = arguments_at(kind, question, place)
        outcome = await patiently(partial(read, kind.action, arguments), asked)
        rows = taken(kind, question, place, outcome)
        if not user_content:
            rows = items(without_their_words({"rows": rows}).get("rows"))
        await take(rows)
        count += 1
    return ""


def export_runner(store: JobStore, kinds: dict[str, ExportKind], reads: OpenRead, worker: str) -> Runner:
    """What carries out jobs whose `does` is `export`. `reads` opens the way to the account of a job."""

    async def run(job: Job, steps: Steps) -> None:
        await _Run(job, steps, store, kinds[job.facts["kind"]], reads, worker).through()

    return run


class _Run:
    def __init__(self, job: Job, steps: Steps, store: JobStore, kind: ExportKind, reads: OpenRead, worker: str) -> None:
        self._job, self._steps, self._store, self._kind = job, steps, store, kind
        self._reads, self._worker = reads, worker
        self._question, self._target = question_of(job), target_of(job)

    async def through(self) -> None:
        """Read what is left, make the file, and end; or pause, with a reason."""
        there = self._job.facts["machine"]
        if there != machine():
            await self._pause(f"The file of this export is on {there}: go on with it there.")
            return
        async with self._reads(self._job) as read:
            number = 0
            while (became := await self._steps.one(f"pages {number}", partial(self._some, read))) == "more":
                number += 1
        if became == "cancel":
            await self._steps.one("cancelled", self._cancelled)
            return
        became = became or await self._steps.one("file", self._make)
        if became:
            await self._pause("It was asked to pause." if became == "pause" else became)
            return
        await self._steps.one("end", partial(self._end, "done"))

    async def _some(self, read: Read) -> str:
        """Some pages: `more` where there are, nothing when all were read, else why not."""
        place = await self._place()
        try:
            file = await run_sync(RowsFile.going_on, self._target.part, place)
        except JobProblem as problem:
            return f"{problem.message} {problem.advice}"

        async def take(rows: list[JSON]) -> None:
            await run_sync(file.add, rows)
            await self._keep(place)

        given = self._job.facts.get("user_content", True)
        try:
            wish = await pages(
                self._kind, self._question, place, read, self._asked, take, most=PAGES_TOGETHER, user_content=given
            )
        except Trouble as trouble:
            return trouble.reason
        except JobProblem as problem:
            return f"{problem.message} {problem.advice}"
        finally:
            await run_sync(file.close)
        return wish or ("" if place.over else "more")

    async def _make(self) -> str:
        """Make the file; nothing, or why that could not be."""
        place = await self._place()
        job = await stored(self._store.job, self._job.id)

        async def placing() -> None:
            await self._keep(place, placing=True)

        try:
            await make(self._kind, self._target, placing, again=bool(job.progress.get("placing")))
        except JobProblem as problem:
            return f"{problem.message} {problem.advice}"
        return ""

    async def _place(self) -> Place:
        job = await stored(self._store.job, self._job.id)
        return Place(**job.progress.get("place", {}))

    async def _keep(self, place: Place, **more: Any) -> None:
        progress = {"rows": place.rows, "place": place.kept(), **more}
        if not await stored(self._store.change, self._job.id, held=self._job, progress=progress):
            raise Superseded

    async def _asked(self) -> str:
        """What was asked of the job meanwhile. Raises Superseded once another run has it."""
        job = await stored(self._store.job, self._job.id)
        if job.worker != self._worker or job.runs != self._job.runs or job.state != "running":
            raise Superseded
        return job.wish

    async def _cancelled(self) -> None:
        await run_sync(partial(drop, self._job))
        await self._end("cancelled")

    async def _pause(self, reason: str) -> None:
        await self._steps.one("pause", partial(self._end, "paused", reason))

    async def _end(self, state: str, reason: str = "") -> None:
        change = partial(self._store.change, self._job.id, only=("running",), held=self._job)
        await stored(change, state=state, wish="", reason=reason)


async def make(kind: ExportKind, target: Target, placing: Callable[[], Awaitable[None]], *, again: bool) -> None:
    """Make the file of the rows, and put it in its place; `placing` is called before that, `again` if it was before.

    Raises JobProblem.
    """
    if again and not await run_sync(target.part.exists):
        return
    if not (target.force or again) and await run_sync(target.path.exists):
        raise JobProblem(f"There is a file {target.path} now.", "Move it away, and resume the job.")
    made = target.part
    if target.form != "jsonl":
        made = target.made
        await run_sync(_write_table, kind, target)
    await placing()
    await run_sync(_put, made, target)


def write_table(kind: ExportKind, rows: Rows, to: IO[bytes], form: str, *, excel: bool) -> None:
    """Make a table of rows."""
    if form == "csv":
        write_csv(rows, kind, to, excel=excel)
    else:
        write_parquet(rows, kind, to)


def drop(job: Job) -> None:
    """Remove what an export that will not go on has left, where it lies on this machine."""
    target = target_of(job)
    for path in (target.part, target.made, _copied(target.part)) if job.facts["machine"] == machine() else ():
        with suppress(OSError):
            path.unlink()


def question_of(job: Job) -> Question:
    """What an export asks for."""
    return Question(**job.facts["question"])


def target_of(job: Job) -> Target:
    """The file of an export."""
    facts = job.facts["target"]
    return Target(Path(facts["path"]), facts["form"], facts["excel"], facts["force"])


def machine() -> str:
    """What this machine is called."""
    return socket.gethostname()


def _write_table(kind: ExportKind, target: Target) -> None:
    with _told(target.made), _new(target.made) as file:
        write_table(kind, rows_of(target.part), file, target.form, excel=target.excel)
        file.flush()
        os.fsync(file.fileno())


def _put(made: Path, target: Target) -> None:
    with _told(target.path):
        _as_new(made)
        made.replace(target.path)
        if made != target.part:
            target.part.unlink(missing_ok=True)


def _as_new(path: Path) -> None:
    """Give a file the mode that a new one has there, by the umask or the folder's own rule: it is the user's now."""
    probe = path.with_name(f"{path.name}.mode")
    with probe.open("wb") as file:
        probe.unlink()
        path.chmod(stat.S_IMODE(os.fstat(file.fileno()).st_mode))


def _new(path: Path) -> IO[bytes]:
    """A new file that nobody else can read: rows of people lie in it. What writes to one of before does so in vain."""
    path.unlink(missing_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    _locked(file)
    return file


def _own(path: Path) -> IO[bytes]:
    """The file that is there; a copy in its place where a run that was taken over, and stands still, may write yet."""
    file = path.open("r+b")
    if _locked(file):
        return file
    copied = _copied(path)
    with file, _new(copied) as copy:
        shutil.copyfileobj(file, copy, 1_000_000)
    copied.replace(path)
    file = path.open("r+b")
    _locked(file)
    return file


def _copied(path: Path) -> Path:
    return path.with_name(f"{path.name}.copy")


def _locked(file: IO[bytes]) -> bool:
    """Hold a file until it is closed, or its process ends; whether nobody else does."""
    try:
        import fcntl  # not on Windows, where two processes cannot have it open for long
    except ImportError:
        return True
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()[:32]


def _not_as_left(path: Path, how: str) -> JobProblem:
    return JobProblem(
        f"{path} {how}, and has the rows that were read so far.",
        "Put it back and resume the job, or begin the export anew with --force.",
    )


@contextmanager
def _told(path: Path) -> Generator[None]:
    """What the disk does not do, in words."""
    try:
        yield
    except OSError as error:
        full = error.errno in FULL
        advice = "Make room, and resume the job." if full else "Make it a place that can be written to, and resume."
        raise JobProblem(
            f"{path} cannot be written ({error.strerror}). What was read before is kept.", advice
        ) from None
