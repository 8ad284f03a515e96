"""The jobs of a running server: their database, and the one worker of this process, launched with its first job.

Jobs run in the server's own event loop, with its accounts and its quota. Those that a server began and left unfinished
are looked for now and then, without loading the engine where there are none.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.accounts.errors import AccountProblem
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.services import ServiceProblem
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.job_places import exports_folder, jobs_file

if TYPE_CHECKING:
    from klaviyo_mcp.actions.services import Service
    from klaviyo_mcp.jobs.engine import JobEngine
    from klaviyo_mcp.jobs.exporting import Read
    from klaviyo_mcp.jobs.sending import Sender
    from klaviyo_mcp.jobs.store import Job, JobStore, Tally
    from klaviyo_mcp.runtime.assembly import Application
    from klaviyo_mcp.runtime.job_sources import OpenUpload
    from klaviyo_mcp.runtime.jobs import Mend

log = logging.getLogger("klaviyo_mcp.jobs")
CLIENT = "klaviyo-mcp job"
LOOK_EVERY, TIDY_EVERY = 10.0, 3600.0
"""Seconds between two looks for jobs that nobody works on, and for what is kept no longer."""
CHECKED_TOGETHER = 2
"""Files whose rows are checked at the same time: each takes a core, and calls want theirs."""
SERVED = "served"
"""The fact of a job that a server began: servers go on with these alone, and not with what was stopped by hand."""
CONNECTION = "connection"
"""The fact that says by which connection a job was begun, or resumed: a service for many companies goes on by it."""


@dataclass(frozen=True, slots=True)
class JobHost:
    """What a service for many companies brings to their jobs.

    `account_of` finds the account of a job by its facts, `mend` is told of a call of it that failed (see JobReads), and
    `serves` says whether a job is one of this service's. `upload` gives a file that was uploaded under an id, and
    `uploads` lists those of an account; `page` is where people upload, and the rows of a file have `most_unpacked`
    characters at most. `exports` is where people get what exports have made, "" where none are made, and an account has
    `most_exported` bytes of them there. `refusal` says why jobs cannot be kept here. A service that is told to stop
    waits for `settles_within` seconds until its jobs are at a step. An account has `most_unfinished` jobs that run or
    wait, as those of all others want their turn.
    """

    account_of: Callable[[JSON], Awaitable[Account]]
    mend: Callable[[JSON, KlaviyoError], Awaitable[None]]
    serves: Callable[[JSON], bool]
    upload: "OpenUpload | None" = None
    uploads: Callable[[Account], Awaitable[list[JSON]]] | None = None
    page: str = ""
    most_unpacked: int = 0
    exports: str = ""
    most_exported: int = 0
    refusal: str = ""
    settles_within: float = 8.0
    most_unfinished: int = 3


class JobWorker:
    """Opens the database of jobs and runs them, for one server."""

    def __init__(self, application: "Application", host: JobHost | None = None) -> None:
        """Nothing is opened yet. Without a `host`, the account of a job is found by its name."""
        self.application, self.host = application, host
        self.checking = anyio.CapacityLimiter(CHECKED_TOGETHER)
        self._opening, self._launching = anyio.Lock(), anyio.Lock()
        self._store: JobStore | None = None
        self._engine: JobEngine | None = None
        self._serving = False
        self.closing: list[Callable[[], Awaitable[None]]] = []
        """What is ended with it."""
        self.services: dict[str, Service] = {}
        """The services that were asked for, by name."""

    async def store(self) -> "JobStore":
        """The database of jobs. Raises StoreProblem and VaultProblem."""
        if self.host is not None and self.host.refusal:
            raise ServiceProblem(self.host.refusal, "Tell the user; only the operator of the service can change that.")
        async with self._opening:
            if self._store is None:
                self._store = await run_sync(self._open)
            return self._store

    def check_serving(self, command: str) -> None:
        """Raises ServiceProblem in a program that ends with its call: nobody would carry a job out.

        `command` is what does the same on the command line.
        """
        if not self._serving:
            raise ServiceProblem(
                "A job is run by a server that stays, or by a program within `async with Klaviyo()`, and this one ends "
                "with the call.",
                f"On the command line, use {command}; klaviyo-mcp shell runs actions of jobs, too.",
            )

    def tally(self) -> "Tally | None":
        """How many jobs there are, whosever; None where that cannot be said, or nothing was opened yet."""
        from klaviyo_mcp.jobs.errors import StoreProblem

        try:
            return self._store.tally() if self._store is not None else None
        except StoreProblem:
            return None

    async def under_way(self) -> "list[Job]":
        """The jobs that run in this process. Raises StoreProblem."""
        if self._engine is None:
            return []
        from klaviyo_mcp.jobs.store import UNDER_WAY  # loaded with the engine

        store, worker = await self.store(), self._engine.worker
        return [job for job in await run_sync(partial(store.jobs, states=UNDER_WAY)) if job.worker == worker]

    async def state_of(self, id: str) -> str:
        """The state of a job. Raises StoreProblem."""
        return (await run_sync((await self.store()).job, id)).state

    async def begin(self, job: "Job", account: Account | None = None) -> None:
        """Run a job that is queued or paused, in this process; with `account` from now on. Raises NotPossibleNow."""
        engine = await self.launched()
        if account is not None:
            await self._hand(job, account)
        await run_sync(engine.begin, job)

    async def begin_queued(self, job: "Job", account: Account) -> None:
        """Run a job that was queued just now, unless another process was faster; with `account` from now on."""
        engine = await self.launched()
        await self._hand(job, account)
        await run_sync(engine.begin_queued, job)

    async def take_over(self, job: "Job", account: Account | None = None) -> bool:
        """Go on with a job whose worker has died, with `account` from now on; False where it lives."""
        engine = await self.launched()
        if account is not None and not await self.alive(job):
            await self._hand(job, account)
        return await run_sync(partial(engine.take_over, job, resumed=account is not None))

    async def alive(self, job: "Job") -> bool:
        """Whether a process works on a job."""
        from klaviyo_mcp.runtime.jobs import leases_of

        if not job.worker:
            return False
        if self._engine is not None:
            return await run_sync(self._engine.alive, job)
        store = await self.store()
        return await run_sync(lambda: leases_of(store, self.application.settings).alive(job.worker))

    def serve(self) -> None:
        """Run from now on the jobs that are begun here, until `close`. Those of others are left alone."""
        self._serving = True

    @asynccontextmanager
    async def looking_after(self) -> AsyncGenerator[None]:
        """As long as this is entered, unfinished jobs are found and gone on with; they are broken off at the end."""
        self.serve()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._look_after)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await self.close()

    async def close(self) -> None:
        """Stop at once: whoever comes next goes on."""
        self._serving = False
        for close in self.closing:
            await close()
        engine, self._engine = self._engine, None
        if engine is not None:
            if self.host is not None:
                await engine.settle(self.host.settles_within)
            await engine.interrupt()
            await run_sync(engine.close, 0)

    async def launched(self) -> "JobEngine":
        """The engine of this process, loaded and launched if it was not. Raises StoreProblem."""
        self.check_serving("klaviyo-mcp import, export or jobs resume")
        store = await self.store()
        async with self._launching:
            if self._engine is None:
                # What takes time to load is loaded beside the event loop; launched in it, it runs the jobs there.
                engine = await run_sync(self._made, store)
                await engine.start_here()
                self._engine = engine
            return self._engine

    def _open(self) -> "JobStore":
        from klaviyo_mcp.runtime.jobs import open_store

        store = open_store(self.application.settings)
        self._tidy(store)
        return store

    def _tidy(self, store: "JobStore") -> None:
        """Forget what is kept no longer, and the files of exports that nobody can ask for any more."""
        store.tidy()
        exports = exports_folder(self.application.settings)
        if exports.is_dir():
            there = {str(job.facts.get("target", {}).get("path")) for job in store.jobs()}
            for path in exports.iterdir():
                if not any(str(path).startswith(one) for one in there):
                    path.unlink(missing_ok=True)

    def _made(self, store: "JobStore") -> "JobEngine":
        from klaviyo_mcp.runtime.jobs import job_engine

        application = self.application
        return job_engine(store, application.settings, application.engine.registry, self._sender, self._reads)

    @asynccontextmanager
    async def _sender(self, job: "Job") -> "AsyncGenerator[Sender]":
        from klaviyo_mcp.runtime.jobs import JobCalls

        yield JobCalls(self.application, partial(self._account, job), job.id, CLIENT, self._mend_of(job))

    @asynccontextmanager
    async def _reads(self, job: "Job") -> "AsyncGenerator[Read]":
        from klaviyo_mcp.runtime.jobs import JobReads

        yield JobReads(self.application, partial(self._account, job), self._mend_of(job))

    def _mend_of(self, job: "Job") -> "Mend | None":
        return partial(self.host.mend, job.facts) if self.host else None

    async def _hand(self, job: "Job", account: Account) -> None:
        """Have a job go on by the connection of this account."""
        job.facts[CONNECTION] = account.found_as
        await run_sync(partial((await self.store()).change, job.id, facts=job.facts))

    async def _account(self, job: "Job") -> Account:
        """The account of a job. Raises JobProblem, and AccountProblem."""
        from klaviyo_mcp.runtime.jobs import check_whose

        find = self.host.account_of if self.host else self._named
        account = await find(job.facts)
        check_whose(job, account)
        return account

    async def _named(self, facts: JSON) -> Account:
        return await self.application.accounts.find(facts.get("account"))

    async def _look_after(self) -> None:
        tidied = anyio.current_time()
        while True:
            await anyio.sleep(LOOK_EVERY if self._store else 1.0)
            try:
                await self._adopt()
                if self._store is not None and anyio.current_time() - tidied > TIDY_EVERY:
                    tidied = anyio.current_time()
                    await run_sync(self._tidy, self._store)
            except Exception as error:  # noqa: BLE001 - a server goes on without its jobs, and looks again
                log.warning("jobs cannot be looked after: %s", type(error).__name__)
            if self._store is None:
                await anyio.sleep(LOOK_EVERY)

    async def _adopt(self) -> None:
        """Go on with jobs that a server has left."""
        if not await run_sync(self._any_under_way):
            return
        from klaviyo_mcp.jobs.errors import NotPossibleNow  # loaded with the database
        from klaviyo_mcp.jobs.store import UNDER_WAY

        store = await self.store()
        for job in await run_sync(partial(store.jobs, states=UNDER_WAY)):
            if not job.facts.get(SERVED) or await self.alive(job) or not await self._is_ours(job):
                continue
            log.info("goes on with the job %s", job.id)
            with suppress(NotPossibleNow):  # another was faster
                await (self.take_over(job) if job.state == "running" else self.begin(job))

    async def _is_ours(self, job: "Job") -> bool:
        """Whether this server has the account of a job, and may do what it does."""
        from klaviyo_mcp.jobs.errors import JobProblem

        engine = self.application.engine
        if (action := engine.registry.get(str(job.facts.get("action")))) is None or not engine.lets_through(action):
            return False
        if self.host is not None:
            return self.host.serves(job.facts)
        try:
            await self._account(job)
        except (JobProblem, AccountProblem, ActionError, KlaviyoError):
            return False
        return True

    def _any_under_way(self) -> bool:
        """Whether it is worth a look, told without loading what opens the database."""
        import sqlite3  # only where there may be jobs

        if self.host is not None and self.host.refusal:
            return False
        path = jobs_file(self.application.settings)
        if path is None or self._store is not None:
            return True
        if not path.is_file():
            return False
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            query = "SELECT count(*) FROM klaviyo_jobs WHERE state IN ('queued', 'running')"
            try:
                return connection.execute(query).fetchone()[0] > 0
            except sqlite3.OperationalError:  # the tables are not there yet
                return False
