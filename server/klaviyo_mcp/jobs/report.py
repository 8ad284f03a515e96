"""The report of a job as files: `rejected.csv` has the rows that did not get in, `result.jsonl` what became of all.

Both can be written again as long as the job is kept. Each is written beside and then put in place, whole or not at all;
nobody else can read them, as they hold rows of people.
"""

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any

from klaviyo_mcp.jobs.items import Rejected
from klaviyo_mcp.jobs.store import Job, JobStore

ADDED = ("_line", "_reason", "_what_to_do")
"""What `rejected.csv` has beside the columns of the file. An import leaves these columns out."""
REFUSED = "was refused by Klaviyo"
PARTS = ("checked", "sent", "told")
"""When a row was rejected: by the check, when it was sent, by Klaviyo's job."""
BECAME = {"ready": "not_sent", "sending": "unknown", "sent": "sent", "done": "done"}
"""What is said of a row by the state of its chunk, where nothing else is known of it."""


def write_report(store: JobStore, job: Job, folder: Path) -> list[Path]:
    """Write both files into a folder, which is made if need be; gives those that were written.

    `rejected.csv` is left out where every row got in. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = [_written(folder / "result.jsonl", result_lines(store, job))]
    lines = rejected_lines(store, job)
    header, first = next(lines), next(lines, None)
    if first is not None:
        written.insert(0, _written(folder / "rejected.csv", chain([header, first], lines)))
    return written


def result_lines(store: JobStore, job: Job, *, rows: bool = True) -> Iterator[str]:
    """`result.jsonl` line by line: see `results`. Without `rows`, what Klaviyo says of one, and quotes, is left out."""
    for line in results(store, job):
        told = line if rows or line["result"] != "failed" else {**line, "why": REFUSED}
        yield json.dumps(told) + "\n"


def rejected_lines(store: JobStore, job: Job, *, rows: bool = True) -> Iterator[str]:
    """`rejected.csv` line by line, in the order of the file: its own columns first, as they were, then what is wrong.

    Rows of CSV that could not be read, and rows of other forms, stand as they were in one column. Without `rows` what
    was in them is left out.
    """
    if not rows:
        yield _line([*ADDED])
        for part in PARTS:
            for row in store.rejected(job.id, part):
                # What Klaviyo says of a row quotes it.
                yield _line([str(row.line), row.why if part == "checked" else REFUSED, row.advice])
        return
    columns: list[str] = job.facts.get("columns") or []
    is_csv = job.facts.get("form") == "csv" and bool(columns)
    yield _line([*(columns if is_csv else ["_row"]), *ADDED])
    parts = [store.rejected(job.id, part) for part in PARTS]
    for row in merge(*parts, key=lambda one: one.line):
        where = f"{row.where}: " if row.where else ""
        cells = _cells(row, job.facts.get("delimiter") or ",", len(columns)) if is_csv else [row.raw]
        yield _line([*cells, str(row.line), f"{where}{row.why}", row.advice])


def write_failed(store: JobStore, job: Job, folder: Path, parts: tuple[str, ...] = ("sent", "told")) -> Path | None:
    """Write the rows that failed after they had been sent, as a file to be imported; None where there are none.

    `parts` says when they were rejected, of PARTS.
    """
    rows = merge(*(store.rejected(job.id, part) for part in parts), key=lambda one: one.line)
    first = next(rows, None)
    if first is None:
        return None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    columns: list[str] = job.facts.get("columns") or []
    delimiter = job.facts.get("delimiter") or ","
    if job.facts.get("form") != "csv":
        return _written(folder / "failed.jsonl", (f"{one.raw}\n" for one in chain([first], rows)))
    cells = (_line(_cells(one, delimiter, len(columns))) for one in chain([first], rows))
    return _written(folder / "failed.csv", chain([_line(columns)], cells))


def results(store: JobStore, job: Job) -> Iterator[dict[str, Any]]:
    """What became of each row, in the order of the file: line, result, and the job of Klaviyo's that it was part of.

    `done` was carried out, as far as Klaviyo tells; `failed` was refused by Klaviyo; `rejected` did not pass the check,
    `duplicate` is another row's; `not_sent` was not sent; `unknown` was sent, and the answer was lost.
    """
    return merge(_checked(store, job), _sent(store, job), key=lambda one: one["line"])


def _checked(store: JobStore, job: Job) -> Iterator[dict[str, Any]]:
    for row in store.rejected(job.id, "checked"):
        yield {"line": row.line, "result": "duplicate" if row.duplicate else "rejected", "why": row.why}


def _sent(store: JobStore, job: Job) -> Iterator[dict[str, Any]]:
    for number, (state, lines, notes) in enumerate(store.lines(job.id)):
        failed = {
            row.line: row.why for part in ("sent", "told") for row in store.rejected(job.id, f"{part}-{number:08}")
        }
        for line in lines:
            entry = {"line": line, "result": "failed", "why": failed[line]} if line in failed else {}
            entry = entry or {"line": line, "result": BECAME[state]}
            yield {**entry, "job": notes["job"]} if notes.get("job") else entry


def _cells(row: Rejected, delimiter: str, width: int) -> list[str]:
    """The cells of a row of CSV, as many as the header has: what is more is in the last of them."""
    cells = next(iter(csv.reader(io.StringIO(row.raw, newline=""), delimiter=delimiter)), list[str]())
    if len(cells) > width:
        cells = [*cells[: width - 1], delimiter.join(cells[width - 1 :])]
    return [*cells, *[""] * (width - len(cells))]


def _line(cells: list[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _written(path: Path, lines: Iterator[str]) -> Path:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.writelines(lines)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()
    return path
