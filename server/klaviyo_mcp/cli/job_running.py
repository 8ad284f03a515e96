"""A job run by the process of a command, which waits for it and reports."""

from pathlib import Path

from klaviyo_mcp.cli.job_watching import reported, told, watched
from klaviyo_mcp.cli.output import fail, print_json, warn
from klaviyo_mcp.jobs.errors import JobProblem, NotPossibleNow, StoreProblem
from klaviyo_mcp.jobs.running import how_far
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.assembly import Selection
from klaviyo_mcp.runtime.jobs import open_engine
from klaviyo_mcp.runtime.logs import start_logging


def run_here(
    store: JobStore,
    selection: Selection,
    id: str,
    account: str | None,
    folder: Path,
    as_json: bool,
    *,
    queued: bool = False,
) -> None:
    """Run a job in this process and wait for it; its report is written at the end.

    One that was `queued` just now is waited for as well where a worker was faster.
    """
    start_logging(selection.settings, "warning")
    engine = open_engine(store, selection, account=account, client="klaviyo-mcp import")
    try:
        engine.start()
    except JobProblem:
        warn([f"Job {id} is kept, and nothing of it was sent just now. Go on with: klaviyo-mcp jobs resume {id}"])
        raise
    try:
        job = store.job(id)
        if queued:
            engine.begin_queued(job)
        elif job.state == "running":
            if not engine.take_over(job, resumed=True):
                raise NotPossibleNow(
                    f"Another process works on the job {id} ({job.worker.rpartition('.')[0]})",
                    f"Look with: klaviyo-mcp jobs show {id}",
                )
        else:
            engine.begin(job)
        job = watched(engine, job)
    except (KeyboardInterrupt, StoreProblem):
        warn([f"Job {id} is not finished. Go on with: klaviyo-mcp jobs resume {id}"])
        raise
    finally:
        engine.close()
    lines = [*told(job, how_far(store, job)), *reported(store, job, folder)]
    if as_json:
        warn(lines)
        print_json(as_json_of(store, job))
    else:
        print("\n".join(lines), flush=True)
    if job.state == "paused":
        fail(f"The job {id} is paused.")


def as_json_of(store: JobStore, job: Job) -> JSON:
    """A job as JSON."""
    names = ("does", "kind", "file", "sha256", "checked", "options", "account")
    return {
        "job": job.id,
        "state": job.state,
        **({"reason": job.reason} if job.reason else {}),
        **{name: job.facts[name] for name in names if job.facts.get(name) is not None},
        "created": job.created,
        "changed": job.changed,
        # Where an export stands is for nobody but itself.
        "progress": {name: value for name, value in how_far(store, job).items() if name != "place"},
    }
