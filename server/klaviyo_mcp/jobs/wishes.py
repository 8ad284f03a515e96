"""What is asked of a job: that it pauses, or ends. By whoever works on it, else at once."""

from typing import Literal

from klaviyo_mcp.jobs.exporting import drop
from klaviyo_mcp.jobs.running import cancel_now
from klaviyo_mcp.jobs.store import UNDER_WAY, Job, JobStore

BECOMES = {"pause": "paused", "cancel": "cancelled"}
"""What a job is once a wish is fulfilled."""


def wished(store: JobStore, job: Job, wish: str, *, alive: bool) -> Literal["asked", "done", ""]:
    """Have a job `pause` or `cancel`; `alive` says whether a process works on it.

    Gives `asked` where that process will, `done` where it has become so, and "" where its state does not allow it.
    """
    if job.state == "running" and alive and store.wish(job.id, wish):
        return "asked"
    if wish == "cancel" and cancel_now(store, job):
        if job.facts["does"] == "export":
            drop(job)
        return "done"
    reason = "It was asked to pause."
    if wish == "pause" and store.change(job.id, only=UNDER_WAY, state="paused", reason=reason):
        return "done"
    return ""
