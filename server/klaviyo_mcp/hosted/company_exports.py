"""The exports of companies, as people get them in a browser: listed, given, removed."""

import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.account import company_at
from klaviyo_mcp.answers.exporting import guarded

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.outputs import Output, Outputs
    from klaviyo_mcp.jobs.store import Job, JobStore

MARK = b"\xef\xbb\xbf"
"""Says to Excel that CSV is UTF-8."""
CELL = re.compile(r'(?:(?<=,)|^)(?:"(?:[^"]|"")*"|[^,"\r\n]+)')
"""One of a row as it was written. Python's reader has a limit to them that holds for all who read."""
TOGETHER = 500
"""Rows that are sent at a time."""
T = TypeVar("T")


class CompanyExports:
    """Exports by company. Nothing is opened, or even loaded, before one is asked for. Raises StoreProblem."""

    def __init__(self, store: "Callable[[], Awaitable[JobStore]]", base_url: str) -> None:
        """`store` opens the database of jobs, `base_url` is where the companies are."""
        self._store = store
        self._base_url = base_url

    async def of(self, account_id: str) -> "tuple[list[Output], list[Job]]":
        """Those of a company that are over, and those that are not."""
        whose = self._whose(account_id)
        return await self._do(lambda outputs: (outputs.of(whose), outputs.unfinished(whose)))

    async def find(self, account_id: str, id: str) -> "Output | None":
        """One of a company; None where there is none."""
        whose = self._whose(account_id)
        return await self._do(lambda outputs: next((one for one in outputs.of(whose) if one.job == id), None))

    async def content(self, output: "Output", *, for_excel: bool = False) -> Iterator[bytes]:
        """What is in one, piece by piece."""
        pieces = await self._do(lambda outputs: outputs.content(output.job))
        return _for_excel(pieces) if for_excel and output.form == "csv" and not output.excel else pieces

    async def remove(self, account_id: str, id: str) -> bool:
        """Remove one of a company; whether it was there."""
        whose = self._whose(account_id)
        return await self._do(lambda outputs: outputs.remove(whose, id))

    async def _do(self, work: "Callable[[Outputs], T]") -> T:
        from klaviyo_mcp.jobs.outputs import Outputs  # a database's driver, which a service without jobs need not load

        return await run_sync(partial(work, Outputs(await self._store())))

    def _whose(self, account_id: str) -> str:
        from klaviyo_mcp.runtime.jobs import whose_company  # as above

        return whose_company(company_at(self._base_url, account_id))


def _for_excel(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """CSV whose cells a spreadsheet runs none of: names and properties are written by anybody."""
    from klaviyo_mcp.jobs.outputs import csv_rows_of, lines_of  # as above

    yield MARK
    rows = (CELL.sub(_guarded, row).encode() for row in csv_rows_of(lines_of(pieces)))
    while together := b"".join(islice(rows, TOGETHER)):
        yield together


def _guarded(cell: re.Match[str]) -> str:
    quoted = cell[0].startswith('"')
    text = cell[0][1:-1] if quoted else cell[0]
    return f'"{guarded(text)}"' if quoted else guarded(text)
