"""Checks of rows that a call of start_job begins, and that may outlast it: large files take longer than clients wait.

Each runs beside the calls of its process. One that outlasts its call is a job in the state `checking`, whose process
shows that it lives as for a job; what it has found is kept sealed under the job, so that any process can tell it.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio
import anyio.from_thread
from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.services import GoesOn, RowsNotGood, Sentence, ServiceCall, ServiceProblem
from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.user_text import packed, unpacked
from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.runtime.job_words import told
from klaviyo_mcp.runtime.job_worker import CONNECTION, SERVED

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import Job, JobStore
    from klaviyo_mcp.runtime.job_worker import JobWorker

log = logging.getLogger("klaviyo_mcp.jobs")
MOST_CHECKS = 3
"""Checks of one account that go on beside calls, in one process."""
NAMES = ("file", "upload", "resource")
"""The arguments that say where rows are, as long as it is not known what that is called."""
TELL_EVERY = 1.0
"""Seconds between two notifications, or notes, of how many rows are checked."""
ENDED_WITH_PROCESS = (
    "The process that checked its rows has ended, and nothing was sent. Call start_job again to check them anew."
)
Work = Callable[["Check"], Awaitable[Told]]
"""Checks the rows and says what they would do. Raises ActionError, KlaviyoError and CheckEnded."""


class CheckEnded(Exception):
    """Nobody waits for what is found any more."""


@dataclass(eq=False, slots=True)
class Check:
    """One check that is under way, of the rows that `call` names; `job` is the id under which it is kept.

    `begins` says that a good end begins the job, as nobody has to agree to it. So many calls are `waiting` for it;
    it is `kept` under its job once one has gone on without it, unless what is found was `known` by then.
    """

    job: str
    call: ServiceCall
    digest: str
    store: "JobStore"
    begins: bool = False
    kept: bool = False
    known: bool = False
    stopped: bool = False
    waiting: int = 0
    rows: int = 0
    over: anyio.Event = field(default_factory=anyio.Event)
    found: Told | None = None
    error: ActionError | KlaviyoError | None = None
    told_at: float = field(default_factory=monotonic)

    def counted(self, number: int) -> None:
        """So many rows are checked: told to whoever waits. In the thread of the check. Raises CheckEnded."""
        self.rows = number
        if self.stopped:
            raise CheckEnded
        if monotonic() - self.told_at < TELL_EVERY:
            return
        self.told_at = monotonic()
        if not self.kept:
            anyio.from_thread.run(self._tell)
        elif not self.store.change(self.job, only=("checking",), progress={"rows": number}):
            raise CheckEnded

    async def _tell(self) -> None:
        if self.call.announce is not None and not self.kept:
            rows = len(items(self.call.arguments.get("rows")))
            await self.call.announce(float(self.rows), float(rows), Sentence(f"{self.rows:,} rows are checked."))


class Checks:
    """The checks of one process."""

    def __init__(self, worker: "JobWorker") -> None:
        """`worker` runs what they begin, and says that this process lives."""
        self._worker = worker
        self._under_way: dict[Check, asyncio.Task[None]] = {}

    async def outcome(self, call: ServiceCall, store: "JobStore", work: Work, *, begins: bool) -> Told:
        """What is found of the rows of a call.

        Raises GoesOn where that takes longer than a call may: it goes on then, and begins the job if it `begins`.
        """
        digest = digest_of(call.arguments)
        if (before := await run_sync(_untold, store, call.account, digest)) is not None:
            return await said(store, before)
        check = next((one for one in self._under_way if _is_of(one, call.account, digest)), None)
        if check is None:
            if (elsewhere := await run_sync(_going_on, store, call.account, digest)) is not None:
                if await self._worker.alive(elsewhere):
                    raise going_on(elsewhere.id, elsewhere.progress.get("rows", 0))
                await run_sync(_lost, store, elsewhere)
            check = await self._begun(call, digest, store, work)
        check.begins = check.begins or begins
        check.waiting += 1
        try:
            with anyio.move_on_after(self._worker.application.settings.klaviyo_mcp_check_wait):
                await check.over.wait()
            if check.known:
                await check.over.wait()
        except BaseException:  # whoever asked has gone, and nobody would see what is found
            check.stopped = check.stopped or not (check.kept or check.waiting > 1)
            raise
        finally:
            check.waiting -= 1
        if not check.known:
            await self._hand_over(check)
        if check.kept:
            raise going_on(check.job, check.rows)
        if check.error is not None:
            raise check.error
        assert check.found is not None  # noqa: S101 - it is over
        return check.found

    async def close(self) -> None:
        """End all of them; those that are kept are told as ended with their process."""
        tasks = list(self._under_way.values())
        for check in self._under_way:
            check.stopped = True
        if tasks:
            await asyncio.wait(tasks, timeout=2)

    async def _begun(self, call: ServiceCall, digest: str, store: "JobStore", work: Work) -> Check:
        from klaviyo_mcp.jobs.intake import new_id
        from klaviyo_mcp.jobs.store import Job
        from klaviyo_mcp.runtime.jobs import whose

        if sum(_is_of(one, call.account) for one in self._under_way) >= MOST_CHECKS:
            one = next(one for one in self._under_way if _is_of(one, call.account))
            raise ServiceProblem(
                f"{MOST_CHECKS} files of this account are being checked already.",
                f"Wait for one of them with wait_for_job, such as {one.job}, and call again.",
            )
        check = Check(new_id(), call, digest, store)
        facts: JSON = {
            "does": "import",
            "kind": call.arguments["kind"],
            "file": next((str(call.arguments[name]) for name in NAMES if name in call.arguments), "the rows"),
            "account": call.account.name,
            "call": digest,
            SERVED: True,
            CONNECTION: call.account.found_as,
        }
        await run_sync(store.add, Job(check.job, whose(call.account), "checking", facts))
        task = asyncio.get_running_loop().create_task(self._run(check, work))
        self._under_way[check] = task
        task.add_done_callback(lambda _: self._under_way.pop(check, None))
        return check

    async def _hand_over(self, check: Check) -> None:
        """From now on a check is a job that is looked at with get_job."""
        check.kept = True
        with anyio.CancelScope(shield=True):
            engine = await self._worker.launched()
            await run_sync(partial(check.store.change, check.job, only=("checking",), worker=engine.worker))

    async def _run(self, check: Check, work: Work) -> None:
        try:
            try:
                check.found = await work(check)
            except (ActionError, KlaviyoError) as error:
                check.error = error
            except CheckEnded:
                check.known = True
                await self._ended(check)
                return
            check.known = True
            if check.kept:
                await self._keep(check)
            elif check.error is not None and not isinstance(check.error, RowsNotGood):
                await run_sync(check.store.forget, check.job)
            elif not await run_sync(partial(check.store.change, check.job, only=("checking",), state="draft")):
                await self._ended(check)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and a server goes on
            check.known = True
            log.error("a check has failed: %s", type(error).__name__)
            check.error = ServiceProblem("klaviyo-mcp failed while it checked the rows.", "Tell the user; call again.")
            with suppress(Exception):
                await self._keep(check) if check.kept else await run_sync(check.store.forget, check.job)
        finally:
            check.over.set()

    async def _ended(self, check: Check) -> None:
        check.error = ServiceProblem("The check was ended.", "Call start_job again to check the rows anew.")
        if check.kept:
            await run_sync(check.store.empty, check.job)
        else:
            await run_sync(check.store.forget, check.job)

    async def _keep(self, check: Check) -> None:
        """Have what was found lie under the job, and begin that where nobody has to agree."""
        store, begins = check.store, check.begins and check.found is not None
        result = _problem(check, self._worker) if check.error is not None else {"told": _as_json(check.found)}
        await run_sync(_keep_result, check, result)
        if not await run_sync(partial(store.change, check.job, only=("checking",), state="draft", worker="")):
            await self._ended(check)
        elif begins:
            try:
                with told():
                    await begun_draft(self._worker, check.job, check.call.account)
            except ServiceProblem as problem:
                check.error = problem
                await run_sync(_keep_result, check, _problem(check, self._worker))


def _keep_result(check: Check, result: JSON) -> None:
    body = packed({"arguments": check.call.arguments, **result})
    check.store.keep_shown(check.job, json.dumps(body, ensure_ascii=False))


async def begun_draft(worker: "JobWorker", id: str, account: Account) -> "Job":
    """Begin a draft. Raises JobProblem where it, or another of the same file, was begun meanwhile."""
    store = await worker.store()
    await run_sync(_queue, store, id)
    job = await run_sync(store.job, id)
    await worker.begin_queued(job, account)
    return job


def _queue(store: "JobStore", id: str) -> None:
    from klaviyo_mcp.jobs.errors import NoSuchJob
    from klaviyo_mcp.jobs.preparing import queued

    draft = store.job(id)
    if draft.state != "draft":
        raise NoSuchJob(f"The job {id} was begun already.", f"Look with get_job of {id}.")
    queued(store, draft)


def digest_of(given: JSON) -> str:
    """What tells a call from all others."""
    text = json.dumps(given, sort_keys=True, default=str)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def going_on(id: str, rows: int) -> GoesOn:
    """That a check goes on beside the call."""
    answer: JSON = {
        "done": False,
        "job": id,
        "state": "checking",
        "progress": {"rows": rows},
        "next": f"wait_for_job with job {id} gives what is found, and the token to confirm; cancel_job ends the check.",
    }
    return GoesOn(answer, f"The rows are still being checked: {rows:,} so far. Nothing was sent. {answer['next']}")


async def said(store: "JobStore", job: "Job") -> Told:
    """What a check that is over has found, as start_job would have said it. Raises ServiceProblem."""
    kept = unpacked(json.loads(await run_sync(store.shown, job.id) or "{}"))
    facts = {**job.facts, "heard": True}
    await run_sync(partial(store.change, job.id, only=("draft",), facts=facts))
    if (problem := mapping(kept.get("problem"))) or "told" not in kept:
        made = RowsNotGood if problem.get("code") == RowsNotGood.code else ServiceProblem
        raise made(
            problem.get("message") or "What the check has found is not kept any more.",
            problem.get("next_step") or "Call start_job again.",
            found=mapping(problem.get("found")),
            looked=True,
        )
    found = mapping(kept["told"])
    return Told(
        tuple(found["says"]), found["people"], mapping(found["same"]), tuple(found["unknown"]), str(found["undo"]),
        mapping(found["shown"]),
    )  # fmt: skip


async def arguments_of(store: "JobStore", job: "Job") -> JSON | None:
    """The arguments of the call whose check is over; None for a job of which that is not kept."""
    text = await run_sync(store.shown, job.id)
    return None if text is None else mapping(unpacked(json.loads(text)).get("arguments"))


async def looked_at(worker: "JobWorker", store: "JobStore", job: "Job") -> "Job":
    """A job as it is; one whose check has ended with its process is over."""
    if job.state == "checking" and job.worker and not await worker.alive(job):
        await run_sync(_lost, store, job)
        return await run_sync(store.job, job.id)
    return job


def _lost(store: "JobStore", job: "Job") -> None:
    if store.change(job.id, only=("checking",), state="cancelled", reason=ENDED_WITH_PROCESS):
        store.empty(job.id)


def _is_of(check: Check, account: Account, digest: str = "") -> bool:
    from klaviyo_mcp.runtime.jobs import whose

    return whose(check.call.account) == whose(account) and digest in ("", check.digest) and not check.stopped


def _untold(store: "JobStore", account: Account, digest: str) -> "Job | None":
    """A check of the same call that has ended since it was asked for, and that nobody has heard the end of."""
    drafts = _of_call(store, account, digest, "draft")
    return next((job for job in drafts if not job.facts.get("heard") and store.shown(job.id)), None)


def _going_on(store: "JobStore", account: Account, digest: str) -> "Job | None":
    return next((job for job in _of_call(store, account, digest, "checking") if job.worker), None)


def _of_call(store: "JobStore", account: Account, digest: str, state: str) -> "list[Job]":
    from klaviyo_mcp.runtime.jobs import whose

    return [job for job in store.jobs(whose=whose(account), states=(state,)) if job.facts.get("call") == digest]


def _as_json(found: Told | None) -> JSON:
    assert found is not None  # noqa: S101 - where there is no error
    texts: JSON = {"says": list(found.says), "unknown": list(found.unknown), "undo": found.undo}
    return {**texts, "people": found.people, "same": found.same, "shown": found.shown}


def _problem(check: Check, worker: "JobWorker") -> JSON:
    error: Any = check.error
    details = mapping(explain(error, check.call.action.name, worker.application.engine.registry).data.get("error"))
    found = error.found if isinstance(error, ServiceProblem) else {"problems": details.get("problems", [])}
    return {"problem": {**{name: details.get(name) for name in ("code", "message", "next_step")}, "found": found}}
