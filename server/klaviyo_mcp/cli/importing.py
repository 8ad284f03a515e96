"""`klaviyo-mcp import`: a file of rows into Klaviyo, checked before anything is sent."""

import gc
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from klaviyo_mcp.cli.options import AccountOption, JsonFlag
from klaviyo_mcp.cli.output import fail, print_json, warn

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.preparing import Draft, Wanted
    from klaviyo_mcp.jobs.store import JobStore
    from klaviyo_mcp.runtime.assembly import Application, Selection

app = typer.Typer()


@app.command(
    "import",
    epilog="Example: klaviyo-mcp import profiles fair.csv --region DE --list 'name:Trade fair' --set source=expo. "
    "A wrong KIND lists all of them. Exit codes: 0 done, or checked by --dry-run; 1 nothing sent, or paused; 2 misuse.",
)
def import_file(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="What the rows are: profiles, events, subscribe-email, …")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSONL, JSON or Parquet.")],
    to_list: Annotated[
        str | None, typer.Option("--list", metavar="ID", help="The list, or name:NAME; short for --option list=ID.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="An option of the kind, for all rows.")
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=PLACE", help="Where a column goes; 'COLUMN=' leaves it out."),
    ] = None,
    constant: Annotated[
        list[str] | None, typer.Option("--set", metavar="PLACE=VALUE", help="What every row gets, such as source=expo.")
    ] = None,
    duplicates: Annotated[
        Literal["first", "last", "merge", "refuse"],
        typer.Option("--duplicates", help="Which rows of the same person or thing are taken."),
    ] = "refuse",
    bad_rows: Annotated[
        Literal["skip", "stop"], typer.Option("--bad-rows", help="Whether to go on without rows that do not pass.")
    ] = "stop",
    region: Annotated[str, typer.Option("--region", metavar="DE", help="Where phone numbers without + are from.")] = "",
    zone: Annotated[str, typer.Option("--zone", metavar="NAME", help="Time zone of times without an offset.")] = "",
    dates: Annotated[str, typer.Option("--dates", metavar="day-first|month-first", help="How 3/4/2026 is read.")] = "",
    decimal: Annotated[str, typer.Option("--decimal", metavar="comma|point", help="How 1,5 is read.")] = "",
    form: Annotated[str, typer.Option("--form", metavar="csv|jsonl|json|parquet", help="Form of the file.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", metavar="NAME", help="Encoding of the file.")] = "",
    delimiter: Annotated[str, typer.Option("--delimiter", metavar="SIGN", help="What stands between cells.")] = "",
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether the first row has names.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FOLDER", help="Where the report goes; FILE.report by default.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, tell, and send nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it to a worker: klaviyo-mcp jobs work.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send it without asking.")] = False,
    account: AccountOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Send the rows of a file to Klaviyo: first all are checked, then you are asked, then they are sent."""
    from klaviyo_mcp.jobs.preparing import Wanted  # an engine that other commands need not load

    options = {**_pairs("--option", option), **({"list": to_list} if to_list else {})}
    wanted = Wanted(kind, options, _pairs("--map", mapped), _pairs("--set", constant), duplicates)
    wanted.region, wanted.zone, wanted.dates, wanted.decimal = region, zone, dates, decimal
    reading = _Reading(form, encoding, delimiter, header)
    folder = report or Path(f"{file.name}.report")
    _imported(file, wanted, reading, _How(bad_rows, folder, dry_run, detach, yes, account, as_json))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is said of a file, empty where it is to be found out."""

    form: str
    encoding: str
    delimiter: str
    header: bool | None


@dataclass(frozen=True, slots=True)
class _How:
    """How far an import may go, and where it tells of it."""

    bad_rows: str
    folder: Path
    dry_run: bool
    detach: bool
    yes: bool
    account: str | None
    as_json: bool


def _imported(file: Path, wanted: "Wanted", reading: _Reading, how: _How) -> None:
    from klaviyo_mcp.cli.job_watching import problems_told  # as above

    with problems_told(before_sending=True):
        ready = _checked(file, wanted, reading, how)
    if ready is not None:
        with problems_told():
            _run(*ready, how)


def _checked(
    file: Path, wanted: "Wanted", reading: _Reading, how: _How
) -> "tuple[JobStore, Selection, str, bool] | None":
    """The job that may be run, None where nothing is to be sent: read, checked, told, and agreed to."""
    from klaviyo_mcp.cli.job_watching import counting, reported  # as above
    from klaviyo_mcp.jobs.preparing import kind_of, prepared, queued, same_file
    from klaviyo_mcp.jobs.source import open_source
    from klaviyo_mcp.runtime.assembly import assemble, select
    from klaviyo_mcp.runtime.jobs import found_account, open_store, whose

    kind_of(wanted.kind)
    source = open_source(
        file, form=reading.form, encoding=reading.encoding, delimiter=reading.delimiter, header=reading.header
    )
    selection = select(confirm="never")
    application = assemble(selection, account=how.account)
    whom = found_account(application)
    store = open_store(selection.settings)
    store.tidy()
    gc.freeze()  # as the engine of jobs does: what is loaded stays, and takes a tenth of the time of a check else
    with counting("checked") as counted:
        draft = prepared(source, file, wanted, store, selection.registry, whose(whom), whom.name, counted)
    try:
        does = _consequences(application, draft) if draft.intake.items else []
        before = None if how.dry_run else same_file(store, draft)
        lines = [*_check_told(draft), *does]
        left_out = draft.report.rejected or draft.report.duplicates
        written = reported(store, draft.job, how.folder) if left_out else []
        _say([*lines, *(line for line in written if line.endswith(".csv"))], how.as_json)
        may = _agreed(draft, lines, how, resumes=before is not None)
        if may and before is None:
            queued(store, draft.job)
    except BaseException:
        store.forget(draft.job.id)
        raise
    if not may or before is not None:
        store.forget(draft.job.id)
    if not may:
        _end(draft, lines, how)
        return None
    return store, selection, (before or draft.job).id, before is None


def _run(store: "JobStore", selection: "Selection", id: str, queued: bool, how: _How) -> None:
    from klaviyo_mcp.cli.job_running import run_here  # as above

    if how.detach:
        told = f"Job {id} waits for a worker: klaviyo-mcp jobs work. Look with: klaviyo-mcp jobs show {id}"
        _say([told], how.as_json)
        if how.as_json:
            print_json({"job": id, "state": "queued"})
        return
    run_here(store, selection, id, how.account, how.folder, how.as_json, queued=queued)


def _agreed(draft: "Draft", lines: list[str], how: _How, *, resumes: bool) -> bool:
    """Whether it may be sent. Ends the command where that needs another word than was given."""
    if how.dry_run or not draft.intake.items:
        return False
    asks = sys.stdin.isatty() and not how.yes
    if draft.report.rejected and how.bad_rows == "stop" and not asks:
        _end(
            draft,
            lines,
            how,
            f"Nothing was sent: {_counted(draft.report.rejected)} not pass. Correct them, or leave them out with "
            "--bad-rows skip.",
        )
    if asks:
        what = "There is an unfinished job of this file. Go on with it?" if resumes else "Shall this be sent?"
        return typer.confirm(what, err=True)
    if not how.yes:
        _end(draft, lines, how, "Nothing was sent. Look at what it does, then add --yes.")
    return True


def _end(draft: "Draft", lines: list[str], how: _How, why: str = "Nothing was sent.") -> None:
    """Tell that nothing was sent, and end the command with the exit code for that, unless nothing was to be sent."""
    if how.as_json:
        checked, columns = draft.job.facts["checked"], draft.mapping.columns
        print_json({"sent": False, "checked": checked, "told": lines, "columns": columns})
    if not draft.intake.items:
        fail("Nothing was sent: no row passes.")
    if not how.dry_run:
        fail(why)
    _say(["Nothing was sent: this was a dry run."], how.as_json)


def _check_told(draft: "Draft") -> list[str]:
    """What the check found, in lines; no values of rows."""
    report, kind = draft.report, draft.kind
    lines = [f"{kind.title}: {draft.job.facts['file']}, for the account {draft.job.facts['account']!r}."]
    lines += [*map(_sentence, [*report.told[:1], *draft.mapping.told, *report.told[1:]])]
    doubled = f", {report.duplicates:,} left out as duplicates" if report.duplicates else ""
    lines.append(f"Rows: {report.rows:,}. Good: {report.good:,}, not good: {report.rejected:,}{doubled}.")
    for group in report.problems:
        where = f"the column {group.where!r}" if group.where else "the row"
        rows, more = ("row" if group.count == 1 else "rows"), (", …" if group.count > len(group.lines) else "")
        at = f"line{'s' * (len(group.lines) > 1)} {', '.join(map(str, group.lines))}{more}"
        lines.append(
            f"- {group.count:,} {rows} ({at}): {where} {group.why.rstrip('.')}. {_sentence(group.advice)}".rstrip()
        )
    return lines


def _counted(rejected: int) -> str:
    return "1 row does" if rejected == 1 else f"{rejected:,} rows do"


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _consequences(application: "Application", draft: "Draft") -> list[str]:
    """What the job would do, as the engine tells it of the first row; names in options become ids."""
    import anyio

    from klaviyo_mcp.runtime.job_examples import Example, example_of

    async def looked() -> Example | None:
        try:
            account = await application.accounts.find(draft.job.facts["account"])
            return await example_of(application.engine, account, draft)
        finally:
            await application.accounts.close()

    lines = [f"It reaches {draft.extent}."]
    if (example := anyio.run(looked)) is None:
        lines.append("- None of the first rows is there to be changed, so no example can be shown.")
    else:
        says = [*example.says, *(f"not known: {one}" for one in example.unknown)]
        lines += [f"- for line {example.line}: {text}" for text in says]
        lines += [f"- To undo it: {example.undo}"] if example.undo else []
    return [*lines, *(f"- {text}" for text in draft.kind.says)]


def _pairs(flag: str, given: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            fail(f"{flag} takes NAME=VALUE, not {json.dumps(text)}.", 2)
        pairs[name] = value
    return pairs


def _say(lines: list[str], as_json: bool) -> None:
    if as_json:
        warn(lines)
    else:
        print("\n".join(lines), flush=True)
