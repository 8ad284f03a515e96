"""`klaviyo-mcp export`: profiles, members, events, reports or the catalogue as a file."""

import stat
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from time import sleep
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import anyio
import typer

from klaviyo_mcp.cli.options import AccountOption, NoUserContentFlag, SandboxFlag
from klaviyo_mcp.cli.output import fail, warn
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.assembly import Selection, assemble, select
from klaviyo_mcp.runtime.logs import start_logging
from klaviyo_mcp.runtime.settings import foreign_variables

if TYPE_CHECKING:
    from klaviyo_mcp.accounts.account import Account
    from klaviyo_mcp.jobs.export_kind import ExportKind
    from klaviyo_mcp.jobs.reading_out import Question
    from klaviyo_mcp.jobs.rows_file import Target
    from klaviyo_mcp.runtime.exports import Asked

LOOK_EVERY = 0.2
"""Seconds between two looks at how far it is."""

app = typer.Typer()


@app.command(epilog="Example: klaviyo-mcp export list-members --list 'VIP customers' -o vips.csv --excel")
def export(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What to export; a wrong one lists all.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="The file; '-' is stdout.")],
    list_: Annotated[str | None, typer.Option("--list", metavar="LIST", help="A list; its id or name.")] = None,
    segment: Annotated[str | None, typer.Option(metavar="SEGMENT", help="A segment; its id or name.")] = None,
    metric: Annotated[str | None, typer.Option(metavar="METRIC", help="A metric; its id or name.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="PROFILE", help="A person; id or address.")] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="From this day or time on, in the account's zone.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="To this day, with it, or before this time.")] = "",
    by: Annotated[str, typer.Option(metavar="day|week", help="What a row of a report stands for.")] = "",
    predictions: Annotated[bool, typer.Option("--predictions", help="Add Klaviyo's predictions to people.")] = False,
    format_: Annotated[
        Literal["csv", "jsonl", "parquet"] | None, typer.Option("--format", help="By the file's name, else CSV.")
    ] = None,
    excel: Annotated[bool, typer.Option("--excel", help="CSV that Excel opens as it is, and runs nothing of.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there, and begin anew.")] = False,
    no_user_content: NoUserContentFlag = False,
    account: AccountOption = None,
    sandbox: SandboxFlag = False,
) -> None:
    """Write profiles, members of lists and segments, events, reports or the catalogue into a file.

    What is interrupted goes on where it was when the same command is given again.
    """
    from klaviyo_mcp.cli.job_watching import problems_told
    from klaviyo_mcp.jobs.export_kind import load_export_kinds
    from klaviyo_mcp.runtime.exports import Asked

    kinds = load_export_kinds()
    if kind not in kinds:
        fail(f"There is no export of {visible(kind)!r}. There are: {', '.join(kinds)}.", 2)
    given = {"list": list_, "segment": segment, "metric": metric, "profile": profile, "predictions": predictions}
    asked = Asked(kind, {name: value for name, value in given.items() if value}, since, until, by)
    warn(foreign_variables())
    selection = select(user_content=not no_user_content)
    start_logging(selection.settings, "warning")
    with problems_told():
        target = _target(output, format_, excel=excel, force=force)
        if sandbox or _is_stream(output):
            anyio.run(_straight, selection, account, sandbox, kinds[kind], asked, target, output)
        else:
            _durably(selection, account, kinds[kind], asked, target)


def _target(output: str, form: str | None, *, excel: bool, force: bool) -> "Target":
    from klaviyo_mcp.jobs.rows_file import Target
    from klaviyo_mcp.jobs.writing import FORMS, need_parquet

    path = Path(output).expanduser()
    found = form or FORMS.get(path.suffix.lower()) or ("csv" if _is_stream(output) else None)
    if found is None:
        fail(f"{output} does not say its form: end it in {', '.join(FORMS)}, or add --format.", 2)
    if excel and found != "csv":
        fail(f"--excel is for CSV, and this is {found}.", 2)
    if found == "parquet":
        need_parquet()
    with suppress(OSError):
        path = path.resolve()
    return Target(path, found, excel, force)


def _is_stream(output: str) -> bool:
    """Whether what is written there is read meanwhile, and cannot be gone back in."""
    if output == "-":
        return True
    try:
        mode = Path(output).stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def _durably(selection: Selection, account: str | None, kind: "ExportKind", asked: "Asked", target: "Target") -> None:
    """As a job, which goes on after whatever happens."""
    from klaviyo_mcp.cli.job_watching import counting, kept_looking
    from klaviyo_mcp.jobs.running import is_over
    from klaviyo_mcp.runtime.exports import begun
    from klaviyo_mcp.runtime.jobs import open_engine, open_store

    whom, question, told = anyio.run(_settled, selection, account, kind, asked)
    store = open_store(selection.settings)
    engine = open_engine(store, selection, account=account, client="klaviyo-mcp export")
    engine.start()
    try:
        given = selection.user_content
        job, again = begun(store, engine, whom, asked, target, lambda: question, user_content=given)
        rows = job.progress.get("rows", 0)
        warn([f"Going on with the job {job.id} after {rows:,} rows."] if again else map(visible, told))
        with counting("read") as tell:
            while not is_over(job := kept_looking(store, job)):
                tell(job.progress.get("rows", 0))
                if problem := engine.stuck.get(job.id):
                    raise problem
                sleep(LOOK_EVERY)
        if job.state == "paused":
            fail(f"Not done: {job.reason}\n{_again(target)} (job {job.id}).")
        if job.state == "cancelled":
            fail(f"The job {job.id} was cancelled; there is no file.")
        warn([f"{job.progress.get('rows', 0):,} rows in {target.path}."])
    except KeyboardInterrupt:
        warn([f"Interrupted. {_again(target)}."])
        raise
    finally:
        engine.close()
        store.close()


def _again(target: "Target") -> str:
    """How what is unfinished goes on."""
    return f"Give the same command again{', without --force,' if target.force else ''} to go on"


async def _settled(
    selection: Selection, account: str | None, kind: "ExportKind", asked: "Asked"
) -> "tuple[Account, Question, list[str]]":
    from klaviyo_mcp.runtime.exports import settled

    application = assemble(selection, account=account)
    try:
        whom = await application.accounts.find()
        return whom, *await settled(application.engine, whom, kind, asked)
    finally:
        await application.accounts.close()


async def _straight(
    selection: Selection,
    account: str | None,
    sandbox: bool,
    kind: "ExportKind",
    asked: "Asked",
    target: "Target",
    output: str,
) -> None:
    """Without a job: into a stream, or from a sandbox, which ends with this process."""
    from klaviyo_mcp.cli.job_watching import counting
    from klaviyo_mcp.jobs.exporting import pages, write_table
    from klaviyo_mcp.jobs.reading_out import Place
    from klaviyo_mcp.jobs.rows_file import RowsFile
    from klaviyo_mcp.jobs.sending import Trouble
    from klaviyo_mcp.jobs.writing import line_of, rows_in
    from klaviyo_mcp.runtime.exports import check_free, settled
    from klaviyo_mcp.runtime.jobs import JobReads

    stream = _is_stream(output)
    if not stream:
        check_free(target)
    application = assemble(selection, sandbox=sandbox, account=account)
    try:
        whom = await application.accounts.find()
        question, told = await settled(application.engine, whom, kind, asked)
        warn(map(visible, told))
        place = Place()
        read = partial(pages, kind, question, place, JobReads(application, application.accounts.find), _nothing_asked)
        with (
            # Without a name: whatever ends this process, no rows of people are left behind.
            TemporaryFile(prefix="klaviyo-mcp-") as rows,
            _opened(target, output) as to,
            counting("read") as tell,
        ):
            file = None if target.form == "jsonl" else RowsFile(Path(gettempdir()), rows, place)

            async def take(found: list[JSON]) -> None:
                if file is None:
                    to.write(b"".join(map(line_of, found)))
                    place.rows += len(found)
                else:
                    file.add(found)
                tell(place.rows)

            try:
                await read(take, user_content=selection.user_content)
            except Trouble as trouble:
                fail(trouble.reason)
            if file is not None:
                write_table(kind, rows_in(rows), to, target.form, excel=target.excel)
            to.flush()
        warn([f"{place.rows:,} rows in {'stdout' if output == '-' else output}."])
    finally:
        await application.accounts.close()


def _opened(target: "Target", output: str) -> Any:
    """Where to write; stdout is not closed."""
    if output != "-":
        return target.path.open("wb")
    return _Lent(sys.stdout.buffer)


class _Lent:
    """A stream that stays open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __enter__(self) -> IO[bytes]:
        return self._stream

    def __exit__(self, *_: object) -> None:
        return None


async def _nothing_asked() -> str:
    return ""
