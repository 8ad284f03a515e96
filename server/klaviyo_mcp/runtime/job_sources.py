"""Where the rows of a job come from when a tool is called: its call, a file, a resource, an upload, an earlier job."""

import os
import re
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.services import ServiceProblem
from klaviyo_mcp.answers.kept_answers import KeptAnswers, UnknownAnswer
from klaviyo_mcp.answers.reading_more import records_of
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, mapping

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.source import Source
    from klaviyo_mcp.jobs.store import Job, JobStore

ANSWER = re.compile(r"klaviyo://answers/([0-9a-zA-Z]{1,40})\.(?:csv|jsonl)")
REPORT = re.compile(r"klaviyo://jobs/([0-9a-f-]{4,40})/rejected\.csv")
MOST_LISTED = 200
OpenUpload = Callable[[str, Account], AbstractAsyncContextManager[Path]]
"""Gives the file that was uploaded under an id, for this account alone. Raises JobProblem."""


@dataclass(frozen=True, slots=True)
class Found:
    """A source, and what names it: the path of a file, "" for what is no file that stays."""

    source: "Source"
    path: str = ""


@dataclass(frozen=True, slots=True)
class JobSources:
    """What a server has rows from. `files` is the folder that is opened, None where there is none.

    `page` is where people upload files, "" where they cannot; the rows of one have `most_unpacked` characters.
    """

    store: "Callable[[], Awaitable[JobStore]]"
    files: Path | None = None
    kept: KeptAnswers | None = None
    upload: OpenUpload | None = None
    page: str = ""
    most_unpacked: int = 0

    @asynccontextmanager
    async def source_for(self, given: JSON, account: Account) -> AsyncGenerator[Found]:
        """The rows that a call names, as long as this is entered. Raises ServiceProblem, SourceProblem and JobProblem.

        `given` has one of `rows`, `file`, `resource`, `upload` and `failed_rows_of`, and may have `reading`.
        """
        from klaviyo_mcp.jobs.bounded import BoundedSource
        from klaviyo_mcp.jobs.source import open_source, source_of_rows

        reading = {key: value for key, value in mapping(given.get("reading")).items() if key in _READ_BY}
        if "rows" in given:
            yield Found(await run_sync(source_of_rows, given["rows"]))
        elif "file" in given:
            if self.page:
                raise no_paths(self.page)
            path = file_in(self.files, given["file"])
            yield Found(await run_sync(partial(open_source, path, **reading)), str(path))
        elif "upload" in given:
            if self.upload is None:
                raise ServiceProblem("This server takes no uploads.", "Give rows, or a file.")
            async with self.upload(given["upload"], account) as path:
                source = await run_sync(partial(open_source, path, **reading))
                yield Found(BoundedSource(source, self.most_unpacked) if self.most_unpacked else source)
        elif "failed_rows_of" in given:
            async with self._again(given["failed_rows_of"], account, sent_only=True) as path:
                yield Found(await run_sync(open_source, path))
        else:
            async with self._resource(given["resource"], account) as found:
                yield found

    @asynccontextmanager
    async def _resource(self, uri: str, account: Account) -> AsyncGenerator[Found]:
        from klaviyo_mcp.jobs.source import open_source, source_of_rows

        if match := ANSWER.fullmatch(uri):
            yield Found(await run_sync(source_of_rows, await self._answer(match[1], uri, account)))
        elif match := REPORT.fullmatch(uri):
            async with self._again(match[1], account, sent_only=False) as path:
                yield Found(await run_sync(open_source, path))
        else:
            raise ServiceProblem(
                f"{one_line(uri, 100)} is no table of this server.",
                "Give klaviyo://answers/ID.csv of a kept answer, klaviyo://jobs/ID/rejected.csv, or the rows.",
            )

    async def _answer(self, number: str, uri: str, account: Account) -> list[JSON]:
        if self.kept is None:
            raise ServiceProblem("This server keeps no answers.", "Give the rows, or a file.")
        try:
            records = records_of(await self.kept.find(account, number))
        except UnknownAnswer:
            records = None
        if not records:
            raise ServiceProblem(
                f"No answer with records is kept as {uri}.",
                "Answers are kept for some minutes: call the action again, and give the new URI.",
            )
        return records

    @asynccontextmanager
    async def _again(self, id: str, account: Account, *, sent_only: bool) -> AsyncGenerator[Path]:
        """The rows of an earlier job that did not get in, as a file."""
        from klaviyo_mcp.jobs.report import PARTS, write_failed

        store = await self.store()
        job = await run_sync(own_job, store, id, account)
        if job.facts["does"] != "import":
            raise ServiceProblem(f"The job {job.id} is an export, which sends no rows.", "Give the id of an import.")
        if sent_only and job.state not in ("done", "cancelled"):
            raise ServiceProblem(f"The job {job.id} is {job.state}.", "Wait for its end, or cancel it, first.")
        with TemporaryDirectory(prefix="klaviyo-mcp-") as folder:
            parts = PARTS[1:] if sent_only else PARTS
            path = await run_sync(write_failed, store, job, Path(folder), parts)
            if path is None:
                which = "that was sent " if sent_only else ""
                raise ServiceProblem(f"No row of the job {job.id} {which}has failed.", "There is nothing to do.")
            yield path


_READ_BY = ("form", "encoding", "delimiter", "header")


def own_job(store: "JobStore", id: str, account: Account) -> "Job":
    """The job of this id, or of the only one that begins so, of this account and no other. Raises ServiceProblem."""
    from klaviyo_mcp.runtime.jobs import whose

    mine = [job for job in store.jobs(whose=whose(account)) if job.id.startswith(id)]
    exact = [job for job in mine if job.id == id] or (mine if len(mine) == 1 else [])
    if not exact:
        name = repr(one_line(id, 60))
        message = f"Several jobs begin with {name}." if mine else f"There is no job {name} of this account."
        raise ServiceProblem(message, "List them with get_jobs. A job of Klaviyo's own needs `of`.")
    return exact[0]


def no_paths(page: str) -> ServiceProblem:
    """At a service for many, no path is anybody's."""
    return ServiceProblem(
        "Files of this service are named by the id of their upload, not by a path.",
        f"Have the user upload the file at {page}, and give the id from there, or from get_files, as upload.",
    )


def opened_folder(files: Path | None) -> Path:
    """The folder that agents may name files in. Raises ServiceProblem where there is none."""
    if files is None:
        raise ServiceProblem(
            "No folder is opened to this server, so no file can be named.",
            "Give the rows in the call (rows). Or tell the user: whoever runs the server sets KLAVIYO_MCP_FILES to a "
            "folder and restarts it; `klaviyo-mcp import` takes any file on the command line.",
        )
    folder = files.expanduser().absolute()
    if not folder.is_dir():
        raise ServiceProblem("The folder of KLAVIYO_MCP_FILES is not there.", "Tell the user: it has to be made.")
    return folder.resolve()


def place_in(files: Path | None, given: str) -> Path:
    """A path inside the opened folder; symbolic links lead to where they lead. Raises ServiceProblem for another."""
    folder = opened_folder(files)
    pure = PurePosixPath(given)
    wrong = pure.is_absolute() or PureWindowsPath(given).drive or ".." in pure.parts or "\0" in given
    if wrong or ".." in PureWindowsPath(given).parts:
        raise _outside(given)
    try:
        path = (folder / pure).resolve()
    except (OSError, RuntimeError):
        raise _outside(given) from None
    if path != folder and folder not in path.parents:
        raise _outside(given)
    return path


def file_in(files: Path | None, given: str) -> Path:
    """A file inside the opened folder. Raises ServiceProblem, with what there is, for what is none."""
    path = place_in(files, given)
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        names = [one["path"] for one in files_in(opened_folder(files))]
        there = f"There are: {', '.join(names[:20])}" if names else "There is none"
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        raise ServiceProblem(
            f"There is no file {one_line(given, 200)!r} in the opened folder.",
            f"{there}{more}. get_files lists them.",
        )
    return path


def files_in(folder: Path, under: str = "") -> list[JSON]:
    """The files of a folder at any depth, but hidden ones and what links lead to: path, bytes, when it was changed."""
    found: list[JSON] = []
    for path in _walked(place_in(folder, under) if under else folder):
        try:
            status = path.lstat()
        except OSError:
            continue
        changed = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds")
        name = one_line(path.relative_to(folder).as_posix(), 500)
        found.append({"path": name, "bytes": status.st_size, "changed": changed})
        if len(found) >= MOST_LISTED:
            break
    return found


def _walked(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _outside(given: str) -> ServiceProblem:
    return ServiceProblem(
        f"{one_line(given, 200)!r} is no path inside the opened folder.",
        "Give one as get_files lists it, without a leading / and without ..",
    )
