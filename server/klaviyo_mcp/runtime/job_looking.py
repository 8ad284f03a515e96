"""get_job, wait_for_job, get_jobs, cancel_job, pause_job, resume_job, get_files: for our jobs and for Klaviyo's own."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.services import FoundBeside, Sentence, Served, ServiceCall, ServiceProblem
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.job_checks import arguments_of, looked_at, said
from klaviyo_mcp.runtime.job_sources import files_in, opened_folder, own_job
from klaviyo_mcp.runtime.job_words import told
from klaviyo_mcp.runtime.job_worker import JobHost, JobWorker
from klaviyo_mcp.runtime.klaviyo_jobs import answer_of, ended, is_done, job_of

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import Job

WAIT = 45
"""Seconds that wait_for_job waits where nothing is said: clients give a call a minute."""
LOOK_EVERY, TELL_EVERY = 0.2, 1.0
GLANCES = (0.2, 0.5, 1.0, 2.0, 3.0, 5.0)
"""Seconds between two looks at a job of Klaviyo's; the last goes on."""
NOTHING = Told()
START = "start_job"
"""The action whose checks may outlast its calls."""


class _Reads:
    """A service that changes nothing shows nothing before."""

    async def look(self, call: ServiceCall, *, agreed: bool) -> Told:
        """See Service."""
        del call, agreed
        return NOTHING


@dataclass(frozen=True, slots=True)
class GetJob(_Reads):
    """See Service."""

    engine: Engine
    worker: JobWorker

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """Tell of a job."""
        del found
        if of := call.arguments.get("of"):
            return await answer_of(self.engine, call.account, await job_of(self.engine, call, of), of)
        job = await _own(self.worker, call)
        await _tell_what_was_found(self.worker, call, job)
        return await answered(self.worker, job)


@dataclass(frozen=True, slots=True)
class WaitForJob(_Reads):
    """See Service."""

    engine: Engine
    worker: JobWorker

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """Wait, and tell."""
        del found
        seconds = call.arguments.get("seconds", WAIT)
        if of := call.arguments.get("of"):
            return await self._klaviyos(call, of, seconds)
        job = await self._waited(await _own(self.worker, call), call, seconds)
        await _tell_what_was_found(self.worker, call, job)
        served = await answered(self.worker, job)
        if job.state in ("checking", "queued", "running"):
            again = f"It is not over: call wait_for_job with job {job.id} again. It goes on if you do not."
            return Served({**served.answer, "next": again}, served.says)
        return served

    async def _waited(self, job: "Job", call: ServiceCall, seconds: float) -> "Job":
        """The job when it is over, or after so many seconds."""
        from klaviyo_mcp.jobs.running import how_far, is_over

        store = await self.worker.store()
        ends, told_at, looked_for = anyio.current_time() + seconds, 0.0, 0.0
        while not is_over(job) and job.state != "draft" and (now := anyio.current_time()) < ends:
            if call.announce is not None and now - told_at >= TELL_EVERY:
                told_at = now
                progress = await run_sync(how_far, store, job)
                done, rows = progress.get("settled", progress.get("rows", 0)), progress.get("rows", 0)
                are = "checked" if job.state == "checking" else "read"
                words = f"{done:,} of {rows:,} rows are done." if "settled" in progress else f"{done:,} rows are {are}."
                in_all = rows if "settled" in progress else 0
                await call.announce(float(done), float(in_all), Sentence(words))
            await anyio.sleep(LOOK_EVERY)
            job = await run_sync(store.job, job.id)
            if job.state == "checking" and now - looked_for >= TELL_EVERY:
                looked_for = now
                job = await looked_at(self.worker, store, job)
        return job

    async def _klaviyos(self, call: ServiceCall, of: str, seconds: float) -> Served:
        ends, glances = anyio.current_time() + seconds, iter(GLANCES)
        record = await job_of(self.engine, call, of)
        while not is_done(record) and anyio.current_time() < ends:
            if call.announce is not None:
                done, rows = int(record.get("completed_count") or 0), int(record.get("total_count") or 0)
                await call.announce(float(done), float(rows), Sentence(f"Klaviyo's job is {record.get('status')}."))
            await anyio.sleep(min(next(glances, GLANCES[-1]), max(0.0, ends - anyio.current_time())))
            record = await job_of(self.engine, call, of)
        served = await answer_of(self.engine, call.account, record, of)
        if not is_done(record):
            again = f"It is not over: call wait_for_job with the same job and of {of} again."
            return Served({**served.answer, "next": again}, served.says)
        return served


@dataclass(frozen=True, slots=True)
class GetJobs(_Reads):
    """See Service."""

    worker: JobWorker

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """List them."""
        from klaviyo_mcp.runtime.job_answers import in_short
        from klaviyo_mcp.runtime.jobs import whose

        del found
        wanted = call.arguments.get("only")
        with told():
            store = await self.worker.store()
            jobs = await run_sync(partial(store.jobs, whose=whose(call.account), states=(wanted,) if wanted else ()))
            jobs = [await looked_at(self.worker, store, job) for job in jobs if job.state != "draft"]
            # One without a worker is told by the call that began it.
            listed = [job for job in jobs if job.state != "checking" or job.worker]
            shown = [await run_sync(in_short, store, job) for job in listed]
        return Served({"records": shown}, f"{len(shown)} jobs." if len(shown) != 1 else "1 job.")


@dataclass(frozen=True, slots=True)
class ResumeJob(_Reads):
    """See Service."""

    worker: JobWorker

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """Go on with a job."""
        del found
        job = await _own(self.worker, call)
        if (action := job.facts.get("action")) is not None:
            call.check_may(action)
        with told():
            self.worker.check_serving(f"klaviyo-mcp jobs resume {job.id}")
            if job.state in ("queued", "paused"):
                await self.worker.begin(job, call.account)
            elif job.state != "running" or not await self.worker.take_over(job, call.account):
                why = "a process works on it" if job.state == "running" else "there is nothing to go on with"
                raise ServiceProblem(f"The job {job.id} is {job.state}: {why}.", f"Look with get_job of {job.id}.")
            store = await self.worker.store()
            return await answered(self.worker, await run_sync(store.job, job.id), wrote=True)


@dataclass(frozen=True, slots=True)
class PauseJob(_Reads):
    """See Service."""

    worker: JobWorker

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """Have a job wait."""
        del found
        return await _wished(self.worker, await _own(self.worker, call), "pause")


@dataclass(frozen=True, slots=True)
class CancelJob:
    """See Service."""

    engine: Engine
    worker: JobWorker

    async def look(self, call: ServiceCall, *, agreed: bool) -> Told:
        """What would be ended."""
        del agreed
        if of := call.arguments.get("of"):
            plan = await self._ending(call, of)
            return await self.engine.consequences(plan, call.account, call.announce)
        job = await _own(self.worker, call)
        served = await answered(self.worker, job)
        return Told((f"Ends the job {job.id} for good. {served.says}",), undo="What was not sent can be imported anew.")

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """End it."""
        if of := call.arguments.get("of"):
            plan = await self._ending(call, of)
            await self.engine.carry_out(plan, call.account, call.announce, confirmed=found is not None, found=found)
            name = plan.action.name
            return Served({"job": call.arguments["job"], "done_by": name}, f"{name} has stopped it.", wrote=True)
        return await _wished(self.worker, await _own(self.worker, call), "cancel")

    async def _ending(self, call: ServiceCall, of: str) -> Plan:
        name, arguments = ended(self.engine.registry, of, call.arguments["job"])
        call.check_may(name)
        return await self.engine.planned(Call(name, arguments), call.account)


@dataclass(frozen=True, slots=True)
class GetFiles(_Reads):
    """See Service."""

    files: Path | None
    host: JobHost | None = None

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """List them."""
        del found
        if self.host is not None and self.host.page:
            with told():
                uploads = await self.host.uploads(call.account) if self.host.uploads else []
            where = f"People upload files at {self.host.page}; each is kept for a day."
            return Served({"records": uploads}, f"{_files(len(uploads))} {where}")
        folder = opened_folder(self.files)
        listed = await run_sync(files_in, folder, call.arguments.get("under", ""))
        return Served({"records": listed}, _files(len(listed)))


def _files(count: int) -> str:
    return f"{count} files." if count != 1 else "1 file."


async def answered(worker: JobWorker, job: "Job", *, wrote: bool = False) -> Served:
    """All of a job."""
    from klaviyo_mcp.runtime.job_answers import in_full, line_of

    with told():
        store = await worker.store()
        answer: JSON = await run_sync(in_full, store, job, worker.host.exports if worker.host else "")
    return Served(answer, line_of(job, answer), wrote=wrote)


async def _own(worker: JobWorker, call: ServiceCall) -> "Job":
    with told():
        store = await worker.store()
        return await looked_at(worker, store, await run_sync(own_job, store, call.arguments["job"], call.account))


async def _tell_what_was_found(worker: JobWorker, call: ServiceCall, job: "Job") -> None:
    """Raises what start_job answers, where a check went on beside the call of it, and is over now."""
    if job.state != "draft":
        return
    with told():
        store = await worker.store()
        if (arguments := await arguments_of(store, job)) is None:
            return
        try:
            call.check_may(START)
        except ActionError:  # who may not begin it sees that it is there
            return
        raise FoundBeside(START, arguments, await said(store, job))


async def _wished(worker: JobWorker, job: "Job", wish: str) -> Served:
    from klaviyo_mcp.jobs.wishes import BECOMES, wished

    with told():
        store = await worker.store()
        if not await run_sync(partial(wished, store, job, wish, alive=await worker.alive(job))):
            state = (await run_sync(store.job, job.id)).state
            raise ServiceProblem(
                f"The job {job.id} is {state}, and cannot be {BECOMES[wish]} any more.", "Look with get_job."
            )
        return await answered(worker, await run_sync(store.job, job.id), wrote=True)
