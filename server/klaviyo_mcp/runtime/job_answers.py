"""A job as tools tell of it: state, progress, what failed by groups, and where its report is."""

from itertools import islice
from typing import TYPE_CHECKING

from klaviyo_mcp.jobs.running import how_far
from klaviyo_mcp.jobs.store import is_kept_here
from klaviyo_mcp.klaviyo.user_text import UserText
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.job_words import in_tool_words, without_paths

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import Job, JobStore

MOST_GROUPS, SAMPLE_LINES = 20, 5
MOST_READ = 20_000
"""Rows that did not get in which are gone through for their groups."""
COUNTS = ("rows", "sent", "settled", "failed")
MEANS = {
    "checking": "Its rows are being checked; nothing was sent. wait_for_job gives what is found.",
    "queued": "It waits to be begun.",
    "running": "It goes on by itself.",
    "paused": "It does not go on by itself: mend what the reason says, then resume_job.",
    "done": "It is over.",
    "cancelled": "It was ended; what was sent before stays sent.",
    "draft": "It was checked and shown, and nothing of it was sent: it begins once start_job's token is confirmed.",
}


def in_short(store: "JobStore", job: "Job") -> JSON:
    """A job in a line of a list."""
    progress = how_far(store, job)
    told: JSON = {
        "job": job.id,
        "does": job.facts.get("does"),
        "kind": job.facts.get("kind"),
        "state": job.state,
        **{name: progress[name] for name in COUNTS if progress.get(name)},
        "file": _file(job),
        "created": job.created,
        "reason": _reason(job),
    }
    return {key: value for key, value in told.items() if value not in (None, "")}


def in_full(store: "JobStore", job: "Job", exports: str = "") -> JSON:
    """All that is told of a job; `exports` is where people get those of a service."""
    progress = how_far(store, job)
    told: JSON = {
        "job": job.id,
        "state": job.state,
        "means": MEANS[job.state],
        "reason": _reason(job),
        "wish": f"It was asked to {job.wish}." if job.wish else None,
        "does": job.facts.get("does"),
        "kind": job.facts.get("kind"),
        "file": _file(job),
        "account": job.facts.get("account"),
        "progress": {name: progress[name] for name in COUNTS if name in progress},
        "told": progress.get("told"),
        "checked": job.facts.get("checked"),
        "created": job.created,
        "changed": job.changed,
    }
    if job.facts.get("does") == "import":
        told |= _failed(store, job)
        told["report"] = _report(job, told)
    elif job.state == "done":
        told |= _exported(store, job, exports)
    return {key: value for key, value in told.items() if value not in (None, "", [], {})}


def _exported(store: "JobStore", job: "Job", exports: str) -> JSON:
    """Where what an export has made is had."""
    report = [f"klaviyo://jobs/{job.id}/export.{job.facts['target']['form']}"]
    if not is_kept_here(job):
        return {"report": report} if job.facts.get("kept") else {"written": _file(job)}
    from klaviyo_mcp.jobs.outputs import Outputs  # a service's alone

    if (output := Outputs(store).output(job)) is None:
        return {"removed": "The rows of this export were removed; begin it anew."}
    until = output.ends.isoformat(timespec="minutes")
    return {"report": report, "bytes": output.bytes, "download": exports, "kept_until": until}


def line_of(job: "Job", told: JSON) -> str:
    """The same in a sentence."""
    progress = told.get("progress", {})
    rows, settled = progress.get("rows", 0), progress.get("settled", 0)
    if job.facts.get("does") == "export":
        return f"Job {job.id}: {job.state}, {rows:,} rows are written."
    if job.state == "checking":
        return f"Job {job.id}: {rows:,} rows are checked so far. Nothing was sent."
    failed = f" {progress['failed']:,} of them did not get in." if progress.get("failed") else ""
    return f"Job {job.id}: {job.state}; {settled:,} of {rows:,} rows are settled.{failed}"


def _file(job: "Job") -> UserText:
    """What a file is called by whoever named it; nothing for an export that is kept here."""
    facts = job.facts
    own = "" if facts.get("kept") else facts.get("file", "")
    return UserText(facts.get("named") or own)


def _reason(job: "Job") -> str | None:
    told = job.state == "paused" or (job.state == "cancelled" and "checked" not in job.facts)
    if not told or not job.reason:
        return None
    reason = in_tool_words(job.reason)
    if (target := job.facts.get("target")) is None:
        return reason
    return without_paths(reason, target["path"], job.facts.get("named") or "")


def _failed(store: "JobStore", job: "Job") -> JSON:
    """What did not get in, in groups, each with the number of its rows and their first lines."""
    groups: dict[tuple[str, str, str], JSON] = {}
    read = 0
    for part, when in (("checked", "check"), ("sent", "klaviyo"), ("told", "klaviyo")):
        for row in islice(store.rejected(job.id, part), MOST_READ - read):
            read += 1
            if row.duplicate:
                continue
            # What Klaviyo says of a row may quote it.
            why = one_line(row.why, 300) if when == "check" else UserText(one_line(row.why, 300))
            group = groups.setdefault(
                (when, row.where, why),
                {"said_by": when, "column": UserText(row.where), "why": why, "rows": 0, "lines": []},
            )
            group["rows"] += 1
            if len(group["lines"]) < SAMPLE_LINES:
                group["lines"].append(row.line)
            group.setdefault("what_to_do", in_tool_words(row.advice))
    largest = sorted(groups.values(), key=lambda group: -group["rows"])
    shown = [{key: value for key, value in group.items() if value} for group in largest[:MOST_GROUPS]]
    told: JSON = {"did_not_get_in": shown}
    if len(largest) > MOST_GROUPS or read >= MOST_READ:
        told["more"] = "There are more of them: the report has all."
    return told


def _report(job: "Job", told: JSON) -> list[str]:
    """The URIs of the report: as soon as there is something in it."""
    rejected = [f"klaviyo://jobs/{job.id}/rejected.csv"] if told.get("did_not_get_in") else []
    return [*rejected, f"klaviyo://jobs/{job.id}/result.jsonl"] if job.state not in ("checking", "draft") else rejected
