"""What a check lets through is kept as chunks of a draft: the file is read once, and a run needs it no more."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import time

from klaviyo_mcp.jobs.item_text import ENCODE
from klaviyo_mcp.jobs.items import Item, Rejected
from klaviyo_mcp.jobs.kind import Kind
from klaviyo_mcp.jobs.store import JobStore
from klaviyo_mcp.loose_json import JSON

SAMPLE = 50
"""Items of which one is shown as an example of what a job does; fewer than a filter takes values."""
WRAPPING = 12
"""Values that a call has around each item, at most."""
REJECTED_TOGETHER = 2_000
"""Rows that did not pass which are written at a time."""


def new_id() -> str:
    """The id of a job: in the order of time, and short enough to be typed."""
    return f"{int(time()):08x}-{os.urandom(3).hex()}"


@dataclass(slots=True)
class Intake:
    """What became of the rows of a file: items in chunks, and rows that did not pass.

    `sample` has the first items, each with its line. A chunk has `most_values` at most, objects and lists among them;
    0 for no limit.
    """

    most_values: int = 0
    chunks: int = 0
    items: int = 0
    rejected: int = 0
    sample: list[tuple[int, JSON]] = field(default_factory=list[tuple[int, JSON]])
    _lines: list[int] = field(default_factory=list[int])
    _texts: list[bytes] = field(default_factory=list[bytes])
    _bytes: int = 0
    _values: int = 0
    _refused: list[Rejected] = field(default_factory=list[Rejected])
    _batches: int = 0

    def take(
        self,
        rows: Iterable[Item | Rejected],
        kind: Kind,
        store: JobStore,
        job: str,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Keep all of them under a job; `told` is called with how many there were, now and then."""
        for number, row in enumerate(rows, 1):
            if isinstance(row, Rejected):
                self._refuse(row, store, job)
            else:
                self._keep(row, kind, store, job)
            if number % 1_000 == 0:
                told(number)
        self._flush(store, job)
        if self._refused:
            store.reject(job, self._batches, self._refused)

    def _keep(self, item: Item, kind: Kind, store: JobStore, job: str) -> None:
        size = item.size + kind.chunk.wrapping
        values = WRAPPING + sum(map(item.text.count, ",{["))
        full = len(self._lines) >= kind.chunk.items or self._bytes + size > kind.chunk.bytes
        if self._lines and (full or 0 < self.most_values < self._values + values):
            self._flush(store, job)
        if len(self.sample) < SAMPLE:
            self.sample.append((item.line, item.body))
        # As text at once: ten thousand rows take a tenth of the memory that they take as objects.
        self._lines.append(item.line)
        text = f"[{item.line},{item.text},{ENCODE(item.identity)},{ENCODE(item.raw)}]"
        self._texts.append(text.encode("utf-8", "surrogatepass"))
        self._bytes += size
        self._values += values
        self.items += 1

    def _flush(self, store: JobStore, job: str) -> None:
        if self._lines:
            store.add_chunk(job, self.chunks, self._lines, self._texts)
            self.chunks += 1
            self._lines, self._texts, self._bytes, self._values = [], [], 0, 0

    def _refuse(self, row: Rejected, store: JobStore, job: str) -> None:
        self.rejected += not row.duplicate
        self._refused.append(row)
        if len(self._refused) >= REJECTED_TOGETHER:
            store.reject(job, self._batches, self._refused)
            self._batches, self._refused = self._batches + 1, []
