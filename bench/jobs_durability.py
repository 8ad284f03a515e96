"""What it costs that a job survives its end: `python bench/jobs_durability.py [CHUNKS]`.

Chunks of 1,000 events that are answered at once go through the store and the durable engine, and the same ones through
neither. What is left is what sealing, keeping and steps cost, in time and in processor time of a chunk.
"""

import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from cryptography.fernet import Fernet, MultiFernet
from jobs_files import write

from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.jobs.checking import Checker, checked
from klaviyo_mcp.jobs.engine import JobEngine
from klaviyo_mcp.jobs.intake import Intake
from klaviyo_mcp.jobs.items import Item, Rejected
from klaviyo_mcp.jobs.kind import item_schema, load_kinds
from klaviyo_mcp.jobs.mapping import suggested
from klaviyo_mcp.jobs.running import import_runner
from klaviyo_mcp.jobs.seals import Seals
from klaviyo_mcp.jobs.source import open_source
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry

JSON = dict[str, Any]


class AtOnce:
    """A sender that has sent already."""

    async def look(self, action: str, arguments: JSON) -> list[JSON]:  # noqa: ARG002 (by the names of Sender)
        return []

    async def send(self, action: str, arguments: JSON) -> list[JSON]:  # noqa: ARG002
        return []


@asynccontextmanager
async def sender(_: Job) -> AsyncGenerator[AtOnce]:
    yield AtOnce()


def main(chunks: int = 200) -> None:
    kind, registry = load_kinds()["events"], Registry(load_catalogue())
    count = chunks * kind.chunk.items
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        source = open_source(write(home / "events.csv", "events", count))
        schema = item_schema(kind, registry)
        columns = suggested(kind, schema, source.columns, source.sample, {}, {"event.metric.name": "Placed Order"})
        rows = list(checked(source, Checker(kind, schema, columns), duplicates="refuse"))
        store = JobStore(f"sqlite:///{home / 'jobs.sqlite'}", Seals(MultiFernet([Fernet(Fernet.generate_key())])))
        job = Job("bench", "bench", "draft", {"does": "import", "kind": "events", "options": {}, "account": "bench"})
        store.add(job)
        kept = timed(lambda: Intake().take(rows, kind, store, job.id))
        engine = JobEngine(f"sqlite:///{home / 'jobs.sqlite'}", store, {}, home / "workers")
        engine.runners["import"] = import_runner(store, registry, {"events": kind}, sender)
        engine.start()

        def run() -> None:
            store.change(job.id, state="queued")
            engine.begin(store.job(job.id))
            while store.job(job.id).state != "done":
                time.sleep(0.02)

        with_engine = timed(run)
        engine.close()
        size = sum(file.stat().st_size for file in home.glob("jobs.sqlite*")) / chunks
        store.close()
    without = timed(lambda: anyio.run(plainly, rows, kind.arguments, kind.chunk.items))
    print(f"{'':40}{'ms a chunk':>14}{'of processor':>14}")
    for what, (seconds, processor) in (
        ("kept and sealed once, before", kept),
        ("opened, sent and settled, with steps", with_engine),
        ("sent from memory", without),
    ):
        print(f"{what:40}{seconds / chunks * 1000:>14.1f}{processor / chunks * 1000:>14.1f}")
    took, load = kept[1] + with_engine[1] - without[1], os.getloadavg()[0]
    print(
        f"{chunks} chunks of {kind.chunk.items:,} events, each {size / 1024:.0f} KB on disk; load average {load:.1f}."
    )
    print(f"Durability costs {took / chunks * 1000:.0f} ms of a processor for each chunk; Klaviyo takes one in 400 ms.")


async def plainly(rows: list[Item | Rejected], template: JSON, size: int) -> None:
    items = [row.body for row in rows if isinstance(row, Item)]
    for start in range(0, len(items), size):
        await AtOnce().send("", fill(template, {"items": items[start : start + size], "options": {}}))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds in all, and of the processor."""
    began, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - processor


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
