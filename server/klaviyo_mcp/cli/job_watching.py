"""A job on its way, for whoever waits at the command line: bars in a terminal, a line now and then elsewhere."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.cli.output import fail, warn
from klaviyo_mcp.jobs.engine import JobEngine
from klaviyo_mcp.jobs.errors import JobProblem, StoreAway
from klaviyo_mcp.jobs.report import write_report
from klaviyo_mcp.jobs.rows import SourceProblem
from klaviyo_mcp.jobs.running import how_far, is_over
from klaviyo_mcp.jobs.sending import PASSING
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LOOK_EVERY, LOOK_AT_LEAST_EVERY = 0.3, 5.0
AGAIN = "Give the same command again in a while."
TELL_EVERY = 30.0
"""Seconds between two lines where there is no terminal."""


@contextmanager
def problems_told(*, before_sending: bool = False) -> Generator[None]:
    """What is wrong with a file or a job ends the command, in words; `before_sending`, that nothing was sent."""
    try:
        yield
    except (SourceProblem, JobProblem) as error:
        unsent = isinstance(error, SourceProblem) or (before_sending and "nothing was sent" not in error.message)
        nothing = " Nothing was sent." if unsent else ""
        message = error.message if error.message.endswith((".", "?")) else f"{error.message}."
        message += nothing
        fail(f"{message}\nNext: {error.advice}" if error.advice else message)
    except ActionError as error:  # only what is asked before anything is sent raises these here
        problems = [f"- {problem}" for problem in error.problems]
        fail("\n".join([f"{error.message} Nothing was sent.", *problems, f"Next: {error.advice}"]))
    except KlaviyoError as error:  # of what was only read: a job has its own errors as its reason
        nothing = " Nothing was sent." if before_sending else ""
        advice = AGAIN if isinstance(error, PASSING) else error.advice
        fail("\n".join([f"{error.message}{nothing}", *([f"Next: {advice}"] if advice else [])]))


def watched(engine: JobEngine, job: Job) -> Job:
    """Wait until a job is over, or waits for somebody, and show how far it is.

    Raises StoreProblem where nothing more of it can be kept.
    """
    store = engine.store
    with _shown(["sent", "settled"]) as show:
        while True:
            now = kept_looking(store, job)
            began = monotonic()
            with suppress(StoreAway):
                show(how_far(store, now))
                if now.state == "running":
                    engine.take_over(now)  # another worker's that has died
            if is_over(now):
                return now
            if problem := engine.stuck.get(job.id):
                raise problem
            # A job of ten million rows has ten thousand chunks to be counted, which must not hold up what sends them.
            sleep(min(max(LOOK_EVERY, 20 * (monotonic() - began)), LOOK_AT_LEAST_EVERY))


def kept_looking(store: JobStore, job: Job) -> Job:
    """The job as it is by now, or as it was while its database is away: what works on it waits for that as well."""
    try:
        return store.job(job.id)
    except StoreAway:
        return job


def told(job: Job, progress: JSON) -> list[str]:
    """What became of a job, in lines."""
    rows, failed = progress.get("rows", 0), progress.get("failed", 0)
    if job.facts["does"] == "export":
        return _told_of_export(job, rows)
    lines = [f"Job {job.id} ({job.facts.get('kind', '')} from {job.facts.get('file', '')}): {job.state}."]
    if job.reason and job.state == "paused":
        lines.append(f"Paused: {job.reason}")
    settled, sent = progress.get("settled", 0), progress.get("sent", 0)
    lines.append(f"{rows:,} rows passed the check, {sent:,} were sent, {settled:,} are settled.")
    lines += [f"{failed:,} of them did not get in."] if failed else []
    lines += progress.get("told", [])
    if job.state == "paused":
        lines.append(f"Go on with: klaviyo-mcp jobs resume {job.id}")
    return lines


def _told_of_export(job: Job, rows: int) -> list[str]:
    lines = [f"Job {job.id} ({job.facts['kind']} into {job.facts['file']}): {job.state}, {rows:,} rows."]
    if job.state == "paused":
        lines += [f"Paused: {job.reason}", f"Go on with: klaviyo-mcp jobs resume {job.id}"]
    return lines


def reported(store: JobStore, job: Job, folder: Path) -> list[str]:
    """Write the files of a report, and say which; an export has none beside its own."""
    if job.facts["does"] == "export":
        return []
    try:
        return [f"Written: {path}" for path in write_report(store, job, folder)]
    except OSError as error:
        # A draft is gone when its command ends.
        another = "--report FOLDER" if job.state == "draft" else f"klaviyo-mcp jobs report {job.id} --to FOLDER"
        warn([f"The report cannot be written to {folder} ({error.strerror}); write it elsewhere with {another}"])
        return []


@contextmanager
def counting(what: str) -> Generator[Callable[[int], None]]:
    """For what has no known end: a counter in a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # 60 ms that only a terminal costs
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda number: progress.update(task, completed=number)


@contextmanager
def _shown(names: list[str]) -> Generator[Callable[[JSON], None]]:
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console  # as above
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        tasks = {name: bars.add_task(name, total=None) for name in names}
        yield lambda progress: _move(bars, tasks, progress)


def _move(bars: "Progress", tasks: "dict[str, TaskID]", progress: JSON) -> None:
    for name, task in tasks.items():
        bars.update(task, total=progress.get("rows", 0), completed=progress.get(name, 0))


def _lines() -> Callable[[JSON], None]:
    last = monotonic()

    def tell(progress: JSON) -> None:
        nonlocal last
        if monotonic() - last >= TELL_EVERY:
            last = monotonic()
            sent, rows = progress.get("sent", 0), progress.get("rows", 0)
            warn([f"{sent:,} of {rows:,} rows sent, {progress.get('settled', 0):,} settled"])

    return tell
