"""One run of a job that sends rows: chunk by chunk through the engine's usual gate, and what Klaviyo says of each row.

Every step can be repeated: what has become of a chunk is kept beside its items, and what a death left open is settled
as its kind says.
"""

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any

from klaviyo_mcp.jobs.engine import Runner, Step, Steps
from klaviyo_mcp.jobs.keeping import asked_of, stored
from klaviyo_mcp.jobs.kind import Kind
from klaviyo_mcp.jobs.sending import ChunkSender, OpenSender, Sender, Trouble
from klaviyo_mcp.jobs.store import ENDED, Job, JobStore
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Registry

SENT_TOGETHER, ROWS_TOGETHER = 4, 4_000
"""Requests that are on their way at the same time, and rows in them, of which one request may have more.

With four, Klaviyo may take 1.6 seconds for an answer before a limit of 150 a minute is not used up. Two of 10,000
profiles would hold 50 MB, and be no sooner through with Klaviyo, which works on 20 of its jobs by then."""
MOST_OPEN = 20
"""Jobs of Klaviyo's that may run before the oldest of them is waited for; it takes 100 and more."""


def import_runner(store: JobStore, registry: Registry, kinds: dict[str, Kind], sender: OpenSender) -> Runner:
    """What carries out jobs whose `does` is `import`. `sender` opens what sends for the account of a job."""

    async def run(job: Job, steps: Steps) -> None:
        async with sender(job) as sends:
            await _Run(job, steps, store, kinds[job.facts["kind"]], registry, sends).through()

    return run


class _Run:
    def __init__(
        self,
        job: Job,
        steps: Steps,
        store: JobStore,
        kind: Kind,
        registry: Registry,
        sender: Sender,
    ) -> None:
        self._job, self._steps, self._store = job, steps, store
        spec = registry[kind.action].spec
        self._chunks = ChunkSender(job, kind, spec, store, sender, self._wish)
        self._follows = kind.follow is not None
        self._together = max(1, min(SENT_TOGETHER, ROWS_TOGETHER // kind.chunk.items))

    async def through(self) -> None:
        """Send what is ready, follow what was sent, and end; or pause, with a reason."""
        reason = await self._sent_and_followed()
        wish = await self._steps.one("wish", self._wish)
        if wish == "cancel":
            await self._steps.one("end", partial(self._end, "cancelled"))
        elif reason or wish:
            reason = reason or "It was asked to pause."
            await self._steps.one("pause", partial(self._pause, reason))
        else:
            await self._steps.one("end", partial(self._end, "done"))

    async def _sent_and_followed(self) -> str:
        """Nothing, or why the job has to pause."""
        states = await stored(self._store.chunk_states, self._job.id)
        numbers = [number for number, state, *_ in states if state != "done"]
        sent: deque[int] = deque()
        for start in range(0, len(numbers), self._together):
            group = numbers[start : start + self._together]
            if await self._steps.one(f"before {group[0]}", self._wish):
                break
            steps: list[tuple[str, Step]] = [
                (f"send {number}", partial(self._tried, self._chunks.send, number)) for number in group
            ]
            if reason := _first(await self._steps.together(steps)):
                return reason
            sent.extend(group if self._follows else ())
            while len(sent) > MOST_OPEN:
                if reason := await self._follow(sent.popleft()):
                    return reason
        while sent:
            if reason := await self._follow(sent.popleft()):
                return reason
        return ""

    async def _follow(self, number: int) -> str:
        return await self._steps.one(f"follow {number}", partial(self._tried, self._chunks.follow, number))

    async def _tried(self, act: Any, number: int) -> str:
        """Nothing, or why the job has to pause."""
        await self._wish()
        try:
            await act(number)
        except Trouble as trouble:
            return trouble.reason
        return ""

    async def _wish(self) -> str:
        return await asked_of(self._store, self._job)

    async def _end(self, state: str) -> None:
        progress = await stored(progress_of, self._store, self._job.id)
        end = partial(self._store.end, self._job.id, only=("running",), held=self._job)
        await stored(end, state=state, wish="", progress=progress)

    async def _pause(self, reason: str) -> None:
        pause = partial(self._store.change, self._job.id, only=("running",), held=self._job)
        await stored(pause, state="paused", wish="", reason=reason)


def progress_of(store: JobStore, id: str) -> JSON:
    """How far a job is: rows `sent` and `settled`, how many `failed` to get in, and what is told of single chunks."""
    sent = settled = failed = total = 0
    told: list[str] = []
    for _, state, count, notes in store.chunk_states(id):
        total += count
        failed += notes.get("failed", 0) + notes.get("left", 0)
        sent += count - notes.get("left", 0) if state in ("sent", "done") else 0
        settled += count if state == "done" else 0
        told += notes.get("told", [])
    counts = {"rows": total, "sent": sent, "settled": settled, "failed": failed}
    return {**counts, **({"told": list(dict.fromkeys(told))[:20]} if told else {})}


def how_far(store: JobStore, job: Job) -> JSON:
    """How far a job is: as it was kept, else by its chunks. The chunks of a check are none yet of what is sent."""
    return job.progress or ({"rows": 0} if job.state == "checking" else progress_of(store, job.id))


def cancel_now(store: JobStore, job: Job) -> bool:
    """Cancel a job that nobody works on; whether that was so."""
    progress = progress_of(store, job.id)
    unfinished = ("checking", "queued", "paused", "running")
    return store.end(job.id, only=unfinished, state="cancelled", wish="", progress=progress)


def is_over(job: Job) -> bool:
    """Whether a job will not be worked on by itself any more: it has ended, or waits for somebody."""
    return job.state in (*ENDED, "paused")


def _first(reasons: Iterable[str]) -> str:
    return next((reason for reason in reasons if reason), "")
