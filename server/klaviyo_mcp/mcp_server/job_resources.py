"""Reports and exports of jobs, as MCP resources: for the account whose job it is, in parts where they are long."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import mcp.types as types
from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.account import Account, Accounts, found_for_any
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.services import ServiceProblem
from klaviyo_mcp.klaviyo.documents import without_halves
from klaviyo_mcp.mcp_server.resources import not_found
from klaviyo_mcp.runtime.job_words import told
from klaviyo_mcp.runtime.job_worker import JobWorker

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import Job, JobStore

REPORT_URI = re.compile(
    r"klaviyo://jobs/([0-9a-f-]{4,40})/(?:(rejected)(?:\.([0-9]{1,6}))?\.csv|(result)(?:\.([0-9]{1,6}))?\.jsonl"
    r"|(export)(?:\.([0-9]{1,6}))?\.(csv|jsonl))"
)
LONGEST = 4_000_000
"""Characters of a part."""
KINDS = {"csv": "text/csv", "jsonl": "application/jsonl"}
TOLD = {
    "rejected.csv": "The rows of an import that did not get in, as they were, each with its line, why, and what to do.",
    "result.jsonl": "What became of each line of an import.",
    "export.csv": "What an export has read.",
    "export.jsonl": "What an export has read.",
}
JOB_TEMPLATES = [
    types.ResourceTemplate(
        name=f"job-{name.replace('.', '-')}",
        title=f"{name} of a job",
        uri_template=f"klaviyo://jobs/{{job}}/{name}",
        description=f"{says} A long one has parts: {name.replace('.', '.2.')}, …",
        mime_type=KINDS[name.rpartition(".")[2]],
    )
    for name, says in TOLD.items()
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a URI asks for: a file of a job, and which part of it, from 1."""

    uri: str
    job: str
    name: str
    form: str
    part: int


def report_asked_for(uri: str) -> Wanted | None:
    """What a URI asks for; None for the URI of something else."""
    if (match := REPORT_URI.fullmatch(uri)) is None:
        return None
    name = next(match[group] for group in (2, 4, 6) if match[group])
    part = next((match[group] for group in (3, 5, 7) if match[group]), "1")
    form = match[8] or ("csv" if name == "rejected" else "jsonl")
    return Wanted(uri, match[1], name, form, int(part))


async def read_report(wanted: Wanted, accounts: Accounts, worker: JobWorker, version: str) -> types.ReadResourceResult:
    """The file, or a part. Raises MCPError, for the `version` of the protocol, that says what to do."""
    try:
        with told():
            store = await worker.store()
            job, account = await _job_for_any(accounts, store, wanted.job)
            engine = worker.application.engine
            if wanted.name == "export" and (action := job.facts.get("action")):
                # Who may not read such records gets them by no export of somebody else of the account, either.
                engine.check_may(action, account)
            user_content = engine.user_content
            text, more = await run_sync(partial(_part, wanted, store, job, user_content=user_content))
    except ServiceProblem as problem:
        raise not_found(wanted.uri, version, f"{problem.message} {problem.next_step}") from None
    except ActionError as error:
        raise not_found(wanted.uri, version, f"{error.message} {error.advice}") from None
    content = types.TextResourceContents(uri=wanted.uri, mime_type=KINDS[wanted.form], text=without_halves(text))
    if more:
        following = f"klaviyo://jobs/{job.id}/{wanted.name}.{wanted.part + 1}.{wanted.form}"
        return types.ReadResourceResult(contents=[content], _meta={"klaviyo-mcp/next_part": following})
    return types.ReadResourceResult(contents=[content])


async def _job_for_any(accounts: Accounts, store: "JobStore", id: str) -> "tuple[Job, Account]":
    """The job, and whichever of the accounts it is of. Raises ServiceProblem where none has it."""
    from klaviyo_mcp.runtime.job_sources import own_job

    async def of_account(account: Account) -> "tuple[Job, Account]":
        return await run_sync(own_job, store, id, account), account

    found = await found_for_any(accounts, of_account, ActionError)
    if found is None:
        raise ServiceProblem("No job of this id is kept for this account.", "get_jobs lists those that are.")
    return found


def _part(wanted: Wanted, store: "JobStore", job: "Job", *, user_content: bool) -> tuple[str, bool]:
    """One part, and whether there are more. The first line of CSV is that of every part."""
    lines = _lines(wanted, store, job, user_content=user_content)
    head = next(lines, "") if wanted.form == "csv" else ""
    number, text, size = 1, [head], len(head)
    for line in lines:
        if size + len(line) > LONGEST and size > len(head):
            if number == wanted.part:
                return "".join(text), True
            number, text, size = number + 1, [head], len(head)
        text.append(line)
        size += len(line)
    if number != wanted.part:
        raise ServiceProblem(f"It has {number} parts, and no part {wanted.part}.", "Read one of these.")
    return "".join(text), False


def _lines(wanted: Wanted, store: "JobStore", job: "Job", *, user_content: bool) -> Iterator[str]:
    from klaviyo_mcp.jobs.report import rejected_lines, result_lines

    does = job.facts["does"]
    if (wanted.name == "export") != (does == "export"):
        raise ServiceProblem(f"The job {job.id} is an {does}.", "get_job names the resources that it has.")
    if wanted.name == "rejected":
        return rejected_lines(store, job, rows=user_content)
    if wanted.name == "result":
        return result_lines(store, job, rows=user_content)
    return _exported(wanted, store, job)


def _exported(wanted: Wanted, store: "JobStore", job: "Job") -> Iterator[str]:
    from klaviyo_mcp.jobs.exporting import machine, target_of
    from klaviyo_mcp.jobs.outputs import Outputs, csv_rows_of, lines_of

    target = target_of(job)
    if job.state != "done" or not job.facts.get("kept") or target.form != wanted.form:
        where = "it was written into a file" if not job.facts.get("kept") else f"it is {job.state}, as {target.form}"
        raise ServiceProblem(f"The export {job.id} is no resource of this name: {where}.", "Look with get_job.")
    if target.in_database:
        if Outputs(store).output(job) is None:
            raise ServiceProblem(f"The rows of the export {job.id} were removed.", "Begin it anew.")
        lines = lines_of(Outputs(store).content(job.id))
        return csv_rows_of(lines) if wanted.form == "csv" else lines
    if not target.path.is_file():
        there = job.facts.get("machine")
        where = "" if there == machine() else f": it is on {there}"
        raise ServiceProblem(f"The file of the export {job.id} is not here any more{where}.", "Begin it anew.")
    return csv_rows_of(_read(target.path)) if wanted.form == "csv" else _read(target.path)


def _read(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        yield from file
