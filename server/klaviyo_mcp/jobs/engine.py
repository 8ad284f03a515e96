"""The durable engine: DBOS, which keeps each step of a job's workflow, and who works on which job.

A workflow is one run of a job. A worker holds a lease (`leases`) under the name that DBOS knows as its executor, so
that others see when it has died; they take its jobs over, each as another run, which goes on from what was kept of its
chunks or pages. `claim` in `store` is the fence: a worker from which a job was taken while it lived can write nothing
of it any more, and stops before its next step. A workflow for each run keeps the two apart in DBOS's tables, too.
DBOS's own recovery is not asked: it hands a workflow to whoever listens, also to one that has another account.
"""

import asyncio
import ctypes
import gc
import logging
import sys
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Protocol, cast

import anyio
import anyio.to_thread
from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy.exc import SQLAlchemyError

from klaviyo_mcp.jobs.database import database_told, options_for_dbos, problem_of
from klaviyo_mcp.jobs.engine_parts import AsJson, quiet
from klaviyo_mcp.jobs.errors import JobProblem, NotPossibleNow, StoreAway, StoreProblem, Superseded, left_to_begin
from klaviyo_mcp.jobs.keeping import stored
from klaviyo_mcp.jobs.leases import HELD_EVERY, FileLeases, Leases, PostgresLeases, worker_name
from klaviyo_mcp.jobs.store import UNDER_WAY, Job, JobStore

log = logging.getLogger("klaviyo_mcp.jobs")
FORMAT = "klaviyo-jobs-1"
"""What DBOS keeps as the version of workflows. They are not replayed, so that it changes with their form alone."""
AT_ONCE = 8
"""Jobs that one worker takes over at a time."""
LOOK_AGAIN, PAUSING = 5.0, 360
"""Seconds between attempts to pause a job whose database is away, and how many there are: half an hour."""
ENDING = 3
"""Seconds that a workflow has for its last entry, when its job has just ended."""
M_ARENA_MAX = -8
"""How glibc's malloc.h calls the number of heaps."""
Step = Callable[[], Awaitable[Any]]


class Steps(Protocol):
    """The steps of one workflow, kept by DBOS. Results are values that JSON can hold, and small."""

    async def one(self, name: str, step: Step) -> Any:
        """Carry out a step, or give what it gave before."""
        ...

    async def together(self, steps: list[tuple[str, Step]]) -> list[Any]:
        """Carry out several at the same time."""
        ...


Runner = Callable[[Job, Steps], Awaitable[None]]
"""Carries out one run of a job, from what those before have kept of it, and sets its state at the end."""


class JobEngine:
    """One worker. There is one in a process at most, as there is one DBOS."""

    def __init__(self, url: str, store: JobStore, runners: Mapping[str, Runner], leases: Path) -> None:
        """`url` is SQLAlchemy's, of the store's database. `runners` is by the `does` of a job's facts.

        `leases` is the folder of the workers' locks where the database is a file.
        """
        self.store = store
        self.worker = worker_name()
        self._url = url
        self.runners = dict(runners)
        self._leases: Leases = FileLeases(leases) if store.sqlite else PostgresLeases(store.engine)
        self.stuck: dict[str, StoreProblem] = {}
        """Jobs that cannot even be paused, as their database takes nothing: a full disk. They are tried on."""
        self._begun: set[tuple[str, int]] = set()
        """Jobs of which a run is being begun here, or is under way, each with the number of that."""
        self._launched = self._ending = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stepping = 0
        self._settled: anyio.Event | None = None
        self._closed = Event()
        self._holder = Thread(target=self._hold, name="klaviyo-job-lease", daemon=True)

    def start(self) -> None:
        """Hold the lease, and load the engine; its jobs run in a loop of their own. Raises StoreProblem."""
        self._prepare()
        self._launch()
        self._take_work()

    async def start_here(self) -> None:
        """As `start`, and jobs run in this event loop: with the accounts and the quota of its process."""
        await anyio.to_thread.run_sync(self._prepare)
        self._launch()  # takes the loop that runs where it is called
        await anyio.to_thread.run_sync(self._take_work)

    def _prepare(self) -> None:
        _one_heap()
        self._leases.hold(self.worker)
        self._holder.start()
        quiet()
        _here[FORMAT] = self
        DBOS(config=self._config())
        DBOS.listen_queues([self._queue])

    def _launch(self) -> None:
        logger = logging.getLogger("dbos")
        before = logger.level
        logger.setLevel(logging.CRITICAL)  # whoever asked is told, in words
        try:
            with database_told():
                DBOS.launch()
        except StoreProblem:
            self.close(0)
            raise
        finally:
            logger.setLevel(before)

    def _take_work(self) -> None:
        # Nothing is put into it: with a queue of its own, this worker takes nothing from others'. Each look costs 5 ms.
        DBOS.register_queue(self._queue, worker_concurrency=AT_ONCE, polling_interval_sec=5.0)
        # What is loaded by now stays. To look through it for garbage at every few chunks took a third of the time.
        gc.freeze()
        self._launched = True

    async def settle(self, within: float) -> None:
        """Begin no further step; return once those under way have ended, or after so many seconds.

        What is left after it is at a step, as one whose worker died: `close` leaves it to others.
        """
        self._settled = settled = anyio.Event()
        if self._stepping:
            with anyio.move_on_after(within):
                await settled.wait()

    @asynccontextmanager
    async def stepping(self) -> AsyncGenerator[None]:
        """As long as this is entered, a step is under way. Waits for ever once nothing more is to begin."""
        if self._settled is not None:
            await anyio.sleep_forever()
        self._stepping += 1
        try:
            yield
        finally:
            self._stepping -= 1
            if self._settled is not None and not self._stepping:
                self._settled.set()

    async def interrupt(self) -> None:
        """Break off what runs in this event loop, as if the process had died: another one goes on with it."""
        self._ending = True
        # That it is broken off is no news for a log.
        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    def close(self, within: int = ENDING) -> None:
        """Stop. A workflow that does not end within so many seconds is left as one whose worker died."""
        self._ending = self._ending or not within
        if self._launched:
            with suppress(StoreProblem), database_told():  # what it leaves behind does no harm
                DBOS.delete_queue(self._queue)
            with suppress(StoreProblem), database_told():
                DBOS.destroy(workflow_completion_timeout_sec=within)
        self._launched = False
        _here.clear()
        self._closed.set()
        if self._holder.is_alive():
            self._holder.join()
        self._leases.release()

    def alive(self, job: Job) -> bool:
        """Whether a process works on a job."""
        if job.worker == self.worker and job.state == "running":
            return (job.id, job.runs) in self._begun
        return bool(job.worker) and self._leases.alive(job.worker)

    def begin(self, job: Job) -> None:
        """Run a job that is queued or paused. Raises NotPossibleNow and StoreProblem."""
        claim = partial(self.store.claim, job, self.worker, only=("queued", "paused"), wish="", reason="")
        if not self._run(job, claim):
            raise NotPossibleNow(f"The job {job.id} was begun or ended by another process meanwhile.")

    def begin_queued(self, job: Job) -> None:
        """Run a job that was queued just now, unless another worker was faster, which does the same with it."""
        with suppress(NotPossibleNow):
            self.begin(job)

    def take_over(self, job: Job, *, resumed: bool = False) -> bool:
        """Go on with a job whose worker has died; False where it lives, or another was faster.

        `resumed` by a person, whose word is newer than a pause that the dead worker did not get to.
        """
        wish = "" if resumed and job.wish == "pause" else job.wish
        claim = partial(self.store.claim, job, self.worker, only=("running",), wish=wish)
        return not self.alive(job) and self._run(job, claim, before=_workflow_id(job.id, job.runs))

    def look_after(self, whose: Iterable[str]) -> list[str]:
        """Begin what is queued for these accounts and take over what their dead workers left. Gives the jobs' ids."""
        found: list[str] = []
        for account in whose:
            for job in reversed(self.store.jobs(whose=account, states=UNDER_WAY)):
                if job.state == "running" and self.take_over(job):
                    found.append(job.id)
                elif job.state == "queued" and not self.alive(job):
                    try:
                        self.begin(job)
                    except NotPossibleNow:
                        continue
                    found.append(job.id)
        return found

    async def work(self, id: str, run: int, steps: Steps) -> None:
        """One run of a job, in its workflow. Whatever goes wrong pauses it, with the reason."""
        try:
            await self._work(id, run, steps)
        finally:
            self._begun.discard((id, run))

    async def _work(self, id: str, run: int, steps: Steps) -> None:
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        job = await stored(self.store.job, id)
        if job.worker != self.worker or job.runs != run or job.state != "running":
            return
        try:
            await self.runners[job.facts["does"]](job, steps)
        except Exception as failed:  # noqa: BLE001 - nothing is lost, and whoever asked is told why it does not go on
            error = _cause(failed)
            if isinstance(error, Superseded) or self._ending:
                return
            if isinstance(error, SQLAlchemyError):
                error = problem_of(error)
            if isinstance(error, JobProblem):
                log.error("job %s: %s", id, error.message)
            else:
                log.error("job %s: %s", id, _place(error))
            await self._pause(job, getattr(error, "message", "") or f"klaviyo-mcp failed ({_place(error)}).")

    async def _pause(self, job: Job, reason: str) -> None:
        """Pause a job, also where its database is away for a while: nobody else would, as this worker lives."""
        pause = partial(self.store.change, job.id, only=("running",), held=job, state="paused", reason=reason)
        for _ in range(PAUSING):
            try:
                await anyio.to_thread.run_sync(pause)
            except StoreProblem as problem:
                if not isinstance(problem, StoreAway):
                    self.stuck[job.id] = problem
                await anyio.sleep(LOOK_AGAIN)
            else:
                self.stuck.pop(job.id, None)
                return

    def _hold(self) -> None:
        """Say from time to time that this worker lives, for leases that run out and those that were lost."""
        while not self._closed.wait(HELD_EVERY):
            with suppress(StoreProblem):
                self._leases.hold(self.worker)

    @property
    def _queue(self) -> str:
        return f"worker-{self.worker}"

    def _run(self, job: Job, claim: Callable[[], bool], *, before: str = "") -> bool:
        """Begin another run of a job that can be claimed, and give up the workflow `before`; whether it could.

        A job that was claimed and could not be begun, as the database went away, has nobody who works on it.
        """
        begun, claimed, started = (job.id, job.runs + 1), False, False
        self._begun.add(begun)
        try:
            with database_told():
                if claimed := claim():
                    if before:
                        DBOS.cancel_workflow(before)
                    with SetWorkflowID(_workflow_id(*begun)):
                        DBOS.start_workflow(klaviyo_job, *begun)
                    started = True
        except StoreProblem as problem:
            raise (left_to_begin(problem, job.id) if claimed else problem) from None
        finally:
            if not started:
                self._begun.discard(begun)
        return started

    def _config(self) -> DBOSConfig:
        return DBOSConfig(
            name="klaviyo-mcp",
            system_database_url=self._url,
            db_engine_kwargs=options_for_dbos(self._url),
            executor_id=self.worker,
            application_version=FORMAT,
            serializer=AsJson(),
            log_level="WARNING",
            enable_otlp=False,
            # Nothing is sent by it here, and a connection of its own that listens for it would be one more to lose.
            use_listen_notify=False,
        )


_here: dict[str, JobEngine] = {}
"""The worker of this process."""


@DBOS.workflow(name="klaviyo_job")
async def klaviyo_job(id: str, run: int) -> None:
    """The workflow of every job."""
    if (engine := _here.get(FORMAT)) is not None:
        await engine.work(id, run, _Kept(engine))


class _Kept:
    """Steps that DBOS keeps."""

    def __init__(self, engine: JobEngine) -> None:
        """`engine` knows when no further one is to begin."""
        self._engine = engine

    async def one(self, name: str, step: Step) -> Any:
        """See Steps."""
        async with self._engine.stepping():
            return await DBOS.run_step_async({"name": name}, step)

    async def together(self, steps: list[tuple[str, Step]]) -> list[Any]:
        """Their numbers are drawn in order, so that a replay knows which is which."""
        results: list[Any] = [None] * len(steps)

        async def run(index: int) -> None:
            reservation, name, step = reserved[index]
            results[index] = await reservation.run_async({"name": name}, step)

        async with self._engine.stepping():
            reserved = [(DBOS.reserve_step(), name, step) for name, step in steps]
            async with anyio.create_task_group() as group:
                for index in range(len(steps)):
                    group.start_soon(run, index)
        return results


def _cause(error: Exception) -> Exception:
    """What steps that ran together failed of: that the job is another's, where any says so."""
    if not isinstance(error, ExceptionGroup):
        return error
    causes = [_cause(one) for one in cast("ExceptionGroup[Exception]", error).exceptions]
    return next((one for one in causes if isinstance(one, Superseded)), causes[0])


def _place(error: Exception) -> str:
    """What failed where, without values."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno}"


def _workflow_id(job: str, run: int) -> str:
    return f"{job}.{run}"


def _one_heap() -> None:
    """Have threads take memory from one heap, where glibc gives each its own, which keeps what a chunk took: 40 MB.

    What a check before took and gave back goes to the system: its table of duplicates alone is tens of MB.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            libc = ctypes.CDLL(None)
            libc.mallopt(M_ARENA_MAX, 1)
            libc.malloc_trim(0)
