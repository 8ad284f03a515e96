"""One run of an export: pages into a file of rows, kept step by step, and the file that was asked for at the end.

The rows lie in FILE.part until all are there (`rows_file`), or in pieces in the database of jobs (`outputs`).
"""

import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from anyio.to_thread import run_sync

from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.answers.user_content import without_their_words
from klaviyo_mcp.jobs.engine import Runner, Steps
from klaviyo_mcp.jobs.errors import JobProblem, Superseded
from klaviyo_mcp.jobs.export_kind import ExportKind
from klaviyo_mcp.jobs.keeping import asked_of, stored
from klaviyo_mcp.jobs.outputs import Outputs, RowsPieces
from klaviyo_mcp.jobs.patience import patiently
from klaviyo_mcp.jobs.reading_out import Place, Question, arguments_at, ask_anew, taken
from klaviyo_mcp.jobs.rows_file import RowsFile, Target, as_new, copied_of, disk_told, new_file
from klaviyo_mcp.jobs.sending import Trouble
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.jobs.writing import Rows, rows_of, write_csv, write_parquet
from klaviyo_mcp.klaviyo.errors import InvalidRequest
from klaviyo_mcp.loose_json import JSON, items

PAGES_TOGETHER = 20
"""Pages of one step of the engine; how far an export is is kept after each page."""
Read = Callable[[str, JSON], Awaitable[Outcome]]
"""Carries out a read. Raises ActionError and KlaviyoError."""
OpenRead = Callable[[Job], AbstractAsyncContextManager[Read]]
Asked = Callable[[], Awaitable[str]]
"""What was asked of an export meanwhile: `pause` or `cancel`."""


class CursorGone(Trouble):
    """Klaviyo takes its own cursor no more, and without it rows would come twice."""

    def __init__(self) -> None:
        """Has nothing to tell but that."""
        super().__init__("Klaviyo does not take its own cursor any more. Begin the export anew.")


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

    Gives what was asked for, or "". Raises Trouble for what does not pass, CursorGone where it has to begin anew.
    """
    count, refused_at = 0, -1
    while not place.over and (most is None or count < most):
        if wish := await asked():
            return wish
        arguments = arguments_at(kind, question, place)
        try:
            outcome = await patiently(partial(_page, read, kind.action, arguments), asked)
        except CursorGone:
            if refused_at == place.rows or not ask_anew(kind, place):
                raise
            refused_at = place.rows
            continue
        rows = taken(kind, question, place, outcome)
        if not user_content:
            rows = items(without_their_words({"rows": rows}).get("rows"))
        await take(rows)
        count += 1
    return ""


async def _page(read: Read, action: str, arguments: JSON) -> Outcome:
    try:
        return await read(action, arguments)
    except InvalidRequest as error:
        if "cursor" in arguments and any("cursor" in one.source.lower() for one in error.problems):
            raise CursorGone from None
        raise


def export_runner(store: JobStore, kinds: dict[str, ExportKind], reads: OpenRead, most: int) -> Runner:
    """What carries out jobs whose `does` is `export`. `reads` opens the way to the account of a job.

    `most` is how many bytes of rows an export may have that is kept in the database.
    """

    async def run(job: Job, steps: Steps) -> None:
        await _Run(job, steps, Outputs(store, most), kinds[job.facts["kind"]], reads).through()

    return run


class _Run:
    def __init__(self, job: Job, steps: Steps, outputs: Outputs, kind: ExportKind, reads: OpenRead) -> None:
        self._job, self._steps, self._store, self._kind = job, steps, outputs.store, kind
        self._outputs, self._reads = outputs, reads
        self._question, self._target = question_of(job), target_of(job)
        self._begun_anew = False

    async def through(self) -> None:
        """Read what is left, make the file, and end; or pause, with a reason."""
        there = self._job.facts["machine"]
        if there != machine() and not self._target.in_database:
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
        await self._steps.one("end", partial(self._become, "done"))

    async def _some(self, read: Read) -> str:
        """Some pages: `more` where there are, nothing when all were read, else why not."""
        place = await self._place()
        try:
            file = await self._rows_at(place)
        except JobProblem as problem:
            return f"{problem.message} {problem.advice}"

        async def take(rows: list[JSON]) -> None:
            await stored(file.add, rows)
            await self._keep(place)

        given = self._job.facts.get("user_content", True)
        try:
            wish = await pages(
                self._kind, self._question, place, read, self._asked, take, most=PAGES_TOGETHER, user_content=given
            )
        except CursorGone as gone:
            if self._begun_anew:
                return gone.reason
            self._begun_anew = True
            await self._keep(Place())
            return "more"
        except Trouble as trouble:
            return trouble.reason
        except JobProblem as problem:
            return f"{problem.message} {problem.advice}"
        finally:
            await run_sync(file.close)
        return wish or ("" if place.over else "more")

    async def _rows_at(self, place: Place) -> RowsFile | RowsPieces:
        """Where rows go, as it was kept. Raises JobProblem where it is not as it was left."""
        if self._target.in_database:
            return await stored(self._outputs.going_on, self._job, place)
        return await run_sync(RowsFile.going_on, self._target.part, place)

    async def _make(self) -> str:
        """Make the file; nothing, or why that could not be."""
        place = await self._place()
        job = await stored(self._store.job, self._job.id)

        async def placing() -> None:
            await self._keep(place, placing=True)

        try:
            if self._target.in_database:
                await stored(self._outputs.make, self._job, partial(_write_rows, self._kind, self._target))
                return ""
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
        return await asked_of(self._store, self._job)

    async def _cancelled(self) -> None:
        await run_sync(partial(drop, self._job))
        end = partial(self._store.end, self._job.id, only=("running",), held=self._job)
        await stored(end, state="cancelled", wish="")

    async def _pause(self, reason: str) -> None:
        await self._steps.one("pause", partial(self._become, "paused", reason))

    async def _become(self, state: str, reason: str = "") -> None:
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
    here = job.facts["machine"] == machine() and not target.in_database
    for path in (target.part, target.made, copied_of(target.part)) if here else ():
        with suppress(OSError):
            path.unlink()


def question_of(job: Job) -> Question:
    """What an export asks for."""
    return Question(**job.facts["question"])


def target_of(job: Job) -> Target:
    """The file of an export."""
    facts = job.facts["target"]
    return Target(Path(facts["path"]), facts["form"], facts["excel"], facts["force"], facts.get("in_database", False))


def machine() -> str:
    """What this machine is called."""
    return socket.gethostname()


def _write_table(kind: ExportKind, target: Target) -> None:
    with disk_told(target.made), new_file(target.made) as file:
        write_table(kind, rows_of(target.part), file, target.form, excel=target.excel)
        file.flush()
        os.fsync(file.fileno())


def _write_rows(kind: ExportKind, target: Target, rows: Rows, to: IO[bytes]) -> None:
    write_table(kind, rows, to, target.form, excel=target.excel)


def _put(made: Path, target: Target) -> None:
    with disk_told(target.path):
        as_new(made)
        made.replace(target.path)
        if made != target.part:
            target.part.unlink(missing_ok=True)
