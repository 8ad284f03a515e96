"""`klaviyo-mcp jobs`: what is under way, and what is to become of it."""

from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer

from klaviyo_mcp.cli.options import AccountOption, JsonFlag
from klaviyo_mcp.cli.output import fail, print_json, warn
from klaviyo_mcp.loose_json import JSON

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import Job, JobStore
    from klaviyo_mcp.runtime.assembly import Selection

app = typer.Typer()
jobs = typer.Typer(
    no_args_is_help=True,
    help="Look after jobs: list, show, pause, resume, cancel, retry-failed, work.",
    epilog="Example: klaviyo-mcp jobs list",
)
app.add_typer(jobs, name="jobs")

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job, or how it begins.")]
ReportOption = Annotated[Path | None, typer.Option("--report", metavar="FOLDER", help="Where the report goes.")]
LOOK_AFTER_EVERY = 2.0
"""Seconds between two looks of a worker for what there is to do."""


@jobs.command("list", epilog="Example: klaviyo-mcp jobs list --json")
def list_jobs(as_json: JsonFlag = False) -> None:
    """Show all jobs that are kept, the newest first."""
    from klaviyo_mcp.cli.job_running import as_json_of
    from klaviyo_mcp.cli.job_watching import problems_told

    with problems_told():
        store, _ = _opened()
        shown = [as_json_of(store, job) for job in store.jobs() if job.state != "draft"]
    if as_json:
        print_json(shown)
        return
    if not shown:
        warn(["there are no jobs."])
    for one in shown:
        what, rows = f"{one['does']} {one['kind']}", one["progress"].get("rows", 0)
        whose = one.get("account") or ""
        print(f"{one['job']}  {one['state']:<9}  {what:<27}  {rows:>10,}  {whose:<12}  {one['file']}")


@jobs.command("show", epilog="Example: klaviyo-mcp jobs show 6b0825")
def show_job(job: JobArgument, as_json: JsonFlag = False) -> None:
    """Show how far a job is, and why it does not go on."""
    from klaviyo_mcp.cli.job_running import as_json_of
    from klaviyo_mcp.cli.job_watching import problems_told, told

    with problems_told():
        store, _ = _opened()
        found = store.job(job)
        shown = as_json_of(store, found)
        if as_json:
            print_json(shown)
        else:
            print("\n".join(told(found, shown["progress"])))


@jobs.command("pause", epilog="Example: klaviyo-mcp jobs pause 6b0825")
def pause_job(job: JobArgument) -> None:
    """Send no further request of a job until it is resumed."""
    _wish(job, "pause")


@jobs.command("cancel", epilog="Example: klaviyo-mcp jobs cancel 6b0825")
def cancel_job(job: JobArgument) -> None:
    """End a job: what was sent stays sent, and the rest is not sent any more."""
    _wish(job, "cancel")


@jobs.command("resume", epilog="Example: klaviyo-mcp jobs resume 6b0825 --file fair.csv")
def resume_job(
    job: JobArgument,
    file: Annotated[
        Path | None, typer.Option("--file", help="Only if this is the file that it was begun with.")
    ] = None,
    report: ReportOption = None,
    account: AccountOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Go on with a job that is paused, or whose process has died."""
    from klaviyo_mcp.cli.job_running import run_here
    from klaviyo_mcp.cli.job_watching import problems_told
    from klaviyo_mcp.jobs.errors import NotPossibleNow

    with problems_told():
        store, selection = _opened()
        found = store.job(job)
        if found.state in ("done", "cancelled", "checking", "draft"):
            raise NotPossibleNow(f"The job {found.id} is {found.state}; there is nothing to go on with")
        if file is not None and _sha256(file) != found.facts.get("sha256"):
            raise NotPossibleNow(
                f"{file.name} is not the file that the job {found.id} was begun with; nothing was sent",
                "The job needs its file no more: leave --file out to go on with the rows that were read then.",
            )
        if selection.settings.klaviyo_mcp_public_url is not None:
            _left_to_instances(store, found)
            return
        run_here(store, selection, found.id, account, report or Path(f"{found.facts['file']}.report"), as_json)


@jobs.command("retry-failed", epilog="Example: klaviyo-mcp jobs retry-failed 6b0825 --yes")
def retry_failed(
    job: JobArgument,
    report: ReportOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send them without asking.")] = False,
    account: AccountOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Send the rows again that did not get in after they had been sent, as a job of their own."""
    from klaviyo_mcp.cli.importing import import_file
    from klaviyo_mcp.cli.job_watching import problems_told
    from klaviyo_mcp.jobs.errors import NotPossibleNow
    from klaviyo_mcp.jobs.report import write_failed

    with problems_told():
        store, _ = _opened()
        found = store.job(job)
        if found.facts["does"] != "import":
            raise NotPossibleNow(f"The job {found.id} is an export, which sends no rows", "Nothing was done.")
        if found.state not in ("done", "cancelled"):
            raise NotPossibleNow(f"The job {found.id} is {found.state}", "Wait for its end, or cancel it.")
        folder = report or Path(f"{found.facts['file']}.report")
        failed = write_failed(store, found, folder)
    if failed is None:
        print("No row that was sent has failed: there is nothing to send again.")
        return
    wanted = found.facts["wanted"]
    import_file(
        wanted["kind"],
        failed,
        option=_pairs({**wanted["options"], **found.facts["options"]}),
        mapped=_pairs(wanted["map"]),
        constant=_pairs(wanted["set"]),
        duplicates=wanted["duplicates"],
        region=wanted["region"],
        zone=wanted["zone"],
        dates=wanted["dates"],
        decimal=wanted["decimal"],
        report=folder / "again",
        yes=yes,
        account=account,
        as_json=as_json,
    )


@jobs.command("report", epilog="Example: klaviyo-mcp jobs report 6b0825 --to reports")
def write_again(
    job: JobArgument, to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where it goes.")] = Path()
) -> None:
    """Write the report of a job once more."""
    from klaviyo_mcp.cli.job_watching import problems_told, reported
    from klaviyo_mcp.jobs.errors import NotPossibleNow

    with problems_told():
        store, _ = _opened()
        found = store.job(job)
        if found.facts["does"] == "export":
            raise NotPossibleNow(f"The job {found.id} is an export, whose file is its report", "Nothing was written.")
        if not (written := reported(store, found, to)):
            fail("Nothing was written.")
        print("\n".join(written))


@jobs.command("work", epilog="Example: klaviyo-mcp jobs work --until-idle")
def work(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End once there is nothing to do.")] = False,
    account: AccountOption = None,
) -> None:
    """Run what is queued, and take over what the dead have left, until interrupted."""
    from klaviyo_mcp.cli.job_watching import problems_told
    from klaviyo_mcp.jobs.errors import StoreAway
    from klaviyo_mcp.runtime.assembly import assemble
    from klaviyo_mcp.runtime.jobs import found_account, open_engine, whose
    from klaviyo_mcp.runtime.logs import start_logging

    with problems_told():
        store, selection = _opened()
        start_logging(selection.settings, "warning")
        mine = whose(found_account(assemble(selection, account=account)))
        engine = open_engine(store, selection, account=account, client="klaviyo-mcp jobs work")
        engine.start()
        away = False
        try:
            while True:
                try:
                    begun = engine.look_after([mine])
                    warn(f"works on {job}" for job in begun)
                    if until_idle and not begun and not store.jobs(whose=mine, states=("queued", "running")):
                        return
                except StoreAway as error:
                    warn([] if away else [error.message])
                    away = True
                else:
                    away = False
                sleep(LOOK_AFTER_EVERY)
        finally:
            engine.close()


def _left_to_instances(store: "JobStore", job: "Job") -> None:
    """Where the settings are those of a hosted service: its instances have the connections, and this has none."""
    from klaviyo_mcp.jobs.errors import NotPossibleNow

    if not store.change(job.id, only=("paused",), state="queued", reason="", worker=""):
        raise NotPossibleNow(f"The job {job.id} is {job.state}; an instance works on it, or will when one is free")
    print(f"An instance of the service goes on with the job {job.id} within seconds.")


def _wish(id: str, wish: str) -> None:
    from klaviyo_mcp.cli.job_watching import problems_told
    from klaviyo_mcp.jobs.errors import NotPossibleNow
    from klaviyo_mcp.jobs.wishes import BECOMES, wished
    from klaviyo_mcp.runtime.jobs import leases_of

    with problems_told():
        store, selection = _opened()
        job = store.job(id)
        alive = bool(job.worker) and leases_of(store, selection.settings).alive(job.worker)
        became = wished(store, job, wish, alive=alive)
        if became == "asked":
            wish = store.job(job.id).wish or wish
            print(f"Job {job.id} will {wish} as soon as what is on its way has been answered.")
        elif became == "done" and wish == "cancel":
            print(f"Job {job.id} is cancelled. What was sent stays sent.")
        elif became == "done":
            print(f"Job {job.id} is paused.")
        else:
            raise NotPossibleNow(
                f"The job {job.id} is {store.job(job.id).state}, and cannot be {BECOMES[wish]} any more"
            )


def _opened() -> "tuple[JobStore, Selection]":
    """Raises JobProblem."""
    from klaviyo_mcp.runtime.assembly import select  # the engine, which a list of commands need not load
    from klaviyo_mcp.runtime.jobs import open_store

    selection = select(confirm="never")
    store = open_store(selection.settings)
    store.tidy()
    return store, selection


def _pairs(values: JSON) -> list[str]:
    """Options as they are given on the command line."""
    return [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()]


def _sha256(path: Path) -> str:
    from klaviyo_mcp.jobs.files import Reading, looked_at

    with Reading(path, looked_at(path)) as reading:
        return reading.finish()
