"""The files of companies, which people upload for jobs: kept where the jobs are, looked at before they are kept."""

import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import anyio
from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.account import Account, company_at
from klaviyo_mcp.klaviyo.user_text import UserText
from klaviyo_mcp.loose_json import JSON

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import JobStore
    from klaviyo_mcp.jobs.uploads import Upload, Uploads

MOST_FILES = 20
MOST_TIMES = 5
"""How many files a company may have, and how often the bytes of the largest in all of them."""
MB = 1_000_000
AS_CSV = "Save it as CSV UTF-8 and upload that file."
T = TypeVar("T")


class NotTaken(Exception):
    """A file that is not kept. `message` says why, and `advice` what to do, to the person who has it."""

    def __init__(self, message: str, advice: str) -> None:
        """Both are sentences."""
        super().__init__(message)
        self.message, self.advice = message, advice


class CompanyFiles:
    """Files by company. Nothing is opened, or even loaded, before one is asked for. Raises StoreProblem."""

    def __init__(self, store: "Callable[[], Awaitable[JobStore]]", base_url: str, most_mb: int) -> None:
        """`store` opens the database of jobs, `base_url` is where the companies are, `most_mb` what a file may have."""
        self._store = store
        self._base_url = base_url
        self.most_mb = most_mb
        self._uploads: Uploads | None = None
        self._opening = anyio.Lock()

    async def of(self, account_id: str) -> "list[Upload]":
        """Those of a company, the newest first."""
        return await self._do(lambda uploads: uploads.of(self._whose(account_id)))

    async def take(self, account_id: str, name: str, file: BinaryIO, size: int) -> "Upload":
        """Look at a file and keep it for a company. Raises NotTaken."""
        from klaviyo_mcp.jobs.errors import TooMuch  # as `_opened`
        from klaviyo_mcp.jobs.uploads import Most, file_name

        whose, name, most = self._whose(account_id), file_name(name), Most(MOST_FILES, MOST_TIMES * self.most_mb * MB)
        about = await run_sync(_looked_at, file, name)
        try:
            return await self._do(lambda uploads: uploads.add(whose, account_id, name, about, file, size, most))
        except TooMuch as problem:
            raise NotTaken(problem.message, problem.advice) from None

    async def remove(self, account_id: str, id: str) -> bool:
        """Remove one of a company; whether it was there."""
        return await self._do(lambda uploads: uploads.remove(self._whose(account_id), id))

    async def forget(self, account_id: str) -> None:
        """Remove all of a company."""
        await self._do(lambda uploads: uploads.forget(account_id))

    async def companies(self) -> list[str]:
        """The ids of companies that have some."""
        return await self._do(lambda uploads: uploads.companies())

    async def tidy(self) -> None:
        """Remove what is over a day old."""
        await self._do(lambda uploads: uploads.tidy())

    @asynccontextmanager
    async def opened(self, id: str, account: Account) -> AsyncGenerator[Path]:
        """A file of the company of an account, as long as this is entered. Raises NoSuchUpload."""
        from klaviyo_mcp.runtime.jobs import whose  # as `_opened`

        with TemporaryDirectory(prefix="klaviyo-mcp-") as folder:
            yield await self._do(lambda uploads: uploads.write(whose(account), id, Path(folder)))

    async def listed(self, account: Account) -> list[JSON]:
        """Those of the company of an account, for an agent."""
        from klaviyo_mcp.runtime.jobs import whose

        found = await self._do(lambda uploads: uploads.of(whose(account)))
        return [
            {
                "upload": one.id,
                "name": UserText(one.name),
                "about": UserText(one.about),
                "bytes": one.size,
                "kept_until": one.ends.isoformat(timespec="minutes"),
            }
            for one in found
        ]

    async def _do(self, work: "Callable[[Uploads], T]") -> T:
        async with self._opening:
            if self._uploads is None:
                store = await self._store()
                self._uploads = await run_sync(_opened, store)
        return await run_sync(partial(work, self._uploads))

    def _whose(self, account_id: str) -> str:
        from klaviyo_mcp.runtime.jobs import whose_company  # as above

        return whose_company(company_at(self._base_url, account_id))


def _opened(store: "JobStore") -> "Uploads":
    from klaviyo_mcp.jobs.uploads import Uploads  # a database's driver, which a service without jobs need not load

    return Uploads(store)


def _looked_at(file: BinaryIO, name: str) -> str:
    """What is in a file, such as `CSV in UTF-8, comma, with 4 columns`; it stands at its beginning before and after.

    Raises NotTaken for one that holds no rows.
    """
    from klaviyo_mcp.jobs.rows import SourceProblem  # as above
    from klaviyo_mcp.jobs.source import open_source

    with TemporaryDirectory(prefix="klaviyo-mcp-") as folder:
        path = Path(folder, name)
        with path.open("xb") as copy:
            shutil.copyfileobj(file, copy, 1024 * 1024)
        file.seek(0)
        try:
            source = open_source(path)
        except SourceProblem as problem:
            # Some advice is for a command line.
            advice = AS_CSV if "--" in problem.advice or "pip" in problem.advice else problem.advice
            raise NotTaken(f"{problem.message}.", advice) from None
    return source.told[0].removeprefix(f"{name} is ")
