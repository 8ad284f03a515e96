"""Puts jobs together: their database and its seal, and calls of a job through the engine as everybody's."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import TypeVar

import anyio

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.accounts.errors import NoAccount
from klaviyo_mcp.accounts.keys import VaultKeys
from klaviyo_mcp.actions.consequences import Told, must_be_looked_at
from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.jobs.engine import JobEngine
from klaviyo_mcp.jobs.errors import JobProblem, StoreProblem
from klaviyo_mcp.jobs.export_kind import load_export_kinds
from klaviyo_mcp.jobs.exporting import OpenRead, Read, export_runner
from klaviyo_mcp.jobs.kind import load_kinds
from klaviyo_mcp.jobs.leases import FileLeases, Leases, PostgresLeases
from klaviyo_mcp.jobs.running import import_runner
from klaviyo_mcp.jobs.seals import Seals
from klaviyo_mcp.jobs.sending import OpenSender, Sender
from klaviyo_mcp.jobs.store import Job, JobStore
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.assembly import Application, Selection, assemble
from klaviyo_mcp.runtime.audit import Record
from klaviyo_mcp.runtime.job_places import folder, home, jobs_file
from klaviyo_mcp.runtime.settings import Settings
from klaviyo_mcp.runtime.watching import watched

T = TypeVar("T")
FindAccount = Callable[[], Awaitable[Account]]
"""Finds the account of a job. Raises JobProblem, and AccountProblem."""
Mend = Callable[[KlaviyoError], Awaitable[None]]


def open_store(settings: Settings) -> JobStore:
    """The database of jobs: PostgreSQL, where that is set, or a file. Raises StoreProblem, and VaultProblem."""
    keys = job_keys(settings)
    if settings.klaviyo_mcp_jobs_url is None:
        try:
            folder(settings).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreProblem(
                f"The folder of jobs {folder(settings)} cannot be made ({error.strerror}).",
                "Set KLAVIYO_MCP_HOME to a folder that can be written.",
            ) from None
    keys.ensure()
    opener = keys.opener()
    assert opener is not None  # noqa: S101 - one was made, if there was none
    return JobStore(database_url(settings), Seals(opener, keys.opener))


def job_keys(settings: Settings) -> VaultKeys:
    """The keys that seal what jobs hold: where several machines share it, they come from the setting alone."""
    shared, key = settings.klaviyo_mcp_jobs_url is not None, settings.klaviyo_mcp_vault_key
    return VaultKeys(None if shared else home(settings), key.get_secret_value() if key else None)


def database_url(settings: Settings) -> str:
    """SQLAlchemy's URL of the database of jobs."""
    if settings.klaviyo_mcp_jobs_url is None:
        return f"sqlite:///{jobs_file(settings)}"
    _, _, rest = settings.klaviyo_mcp_jobs_url.get_secret_value().partition("://")
    return f"postgresql+psycopg://{rest}"


def open_engine(store: JobStore, selection: Selection, *, account: str | None, client: str) -> JobEngine:
    """A worker that runs jobs of the accounts of these settings; `client` is who is written down for their calls."""
    sender, reads = sender_of(selection, account, client), reads_of(selection, account)
    return job_engine(store, selection.settings, selection.registry, sender, reads)


def job_engine(
    store: JobStore, settings: Settings, registry: Registry, sender: OpenSender, reads: OpenRead
) -> JobEngine:
    """A worker of this database; `sender` and `reads` open the way to the account of a job."""
    runners = {
        "import": import_runner(store, registry, load_kinds(), sender),
        "export": export_runner(store, load_export_kinds(), reads, settings.klaviyo_mcp_export_mb * 1_000_000),
    }
    return JobEngine(database_url(settings), store, runners, folder(settings) / "workers")


def leases_of(store: JobStore, settings: Settings) -> Leases:
    """Which workers of this database live."""
    return FileLeases(folder(settings) / "workers") if store.sqlite else PostgresLeases(store.engine)


def found_account(application: Application) -> Account:
    """The account that is meant. Raises AccountProblem, also where none is connected."""

    async def find() -> Account:
        try:
            return await application.accounts.find()
        finally:
            await application.accounts.close()

    if not application.connected:
        raise NoAccount("No Klaviyo account is connected.")
    return anyio.run(find)


def whose(account: Account) -> str:
    """What tells the company of an account from all others, whatever it is called here."""
    return whose_company(account.company)


def whose_company(company: str) -> str:
    """The same for a company by its `company_at`."""
    return sha256(company.encode()).hexdigest()[:24]


def check_whose(job: Job, account: Account) -> None:
    """Raises JobProblem where a job is another company's than that of the account which it is to go on with."""
    if whose(account) != job.whose:
        raise JobProblem(
            f"The job {job.id} is for another Klaviyo account than {account.name!r} is now.",
            "Run it with the settings that it was begun with.",
        )


def sender_of(selection: Selection, account: str | None, client: str) -> OpenSender:
    """What opens the way to the account of a job. Its application is put together where the job runs."""

    @asynccontextmanager
    async def opened(job: Job) -> AsyncGenerator[Sender]:
        async with _account_of(job, selection, account) as (application, found):
            yield JobCalls(application, _always(found), job.id, client)

    return opened


def reads_of(selection: Selection, account: str | None) -> OpenRead:
    """As `sender_of`, for jobs that only read."""

    @asynccontextmanager
    async def opened(job: Job) -> AsyncGenerator[Read]:
        async with _account_of(job, selection, account) as (application, found):
            yield JobReads(application, _always(found))

    return opened


def _always(account: Account) -> FindAccount:
    async def find() -> Account:
        return account

    return find


@asynccontextmanager
async def _account_of(
    job: Job, selection: Selection, account: str | None
) -> AsyncGenerator[tuple[Application, Account]]:
    application = assemble(selection, account=account)
    try:
        found = await application.accounts.find(job.facts.get("account"))
        check_whose(job, found)
        yield application, found
    finally:
        await application.accounts.close()


class JobReads:
    """Reads of one job, by the engine's usual way: see Read.

    The account is found anew for each call: what it may do can change while a job runs, also to nothing.
    """

    def __init__(self, application: Application, find: FindAccount, mend: Mend | None = None) -> None:
        """`mend` is told of a call that failed: it returns where one more attempt is worth it, else raises."""
        self._engine, self._find, self._mend = application.engine, find, mend

    async def __call__(self, action: str, arguments: JSON) -> Outcome:
        """The outcome of a read."""
        return await self._carried(lambda account: self._engine.run(Call(action, arguments), account))

    async def _carried(self, act: Callable[[Account], Awaitable[T]]) -> T:
        try:
            return await act(await self._find())
        except KlaviyoError as error:
            if self._mend is None:
                raise
            await self._mend(error)
        return await act(await self._find())


class JobCalls(JobReads):
    """Calls of one job: see Sender."""

    def __init__(
        self, application: Application, find: FindAccount, job: str, client: str, mend: Mend | None = None
    ) -> None:
        """`job` is written down as who has confirmed what is sent: whoever agreed to it agreed to all of it."""
        super().__init__(application, find, mend)
        self._job = job
        self._audit = replace(application.audit, client=client) if application.audit else None

    async def look(self, action: str, arguments: JSON) -> list[JSON]:
        """See Sender."""
        outcome = await self._carried(lambda account: self._engine.read(account, action, arguments))
        return outcome.records

    async def send(self, action: str, arguments: JSON) -> list[JSON]:
        """See Sender."""
        return await self._carried(lambda account: self._sent(account, action, arguments))

    async def _sent(self, account: Account, action: str, arguments: JSON) -> list[JSON]:
        registry = self._engine.registry
        with watched(registry, action, None) as watch:
            record = Record(self._audit, watch.call_id, action, registry.get(action), arguments)
            watch.account = record.account = account.name
            record.confirmation = {"by": "job", "id": self._job}
            try:
                record.plan = plan = await self._engine.planned(Call(action, arguments), account)
                found = await self._looked_at(account, plan)
                await record.intend(found.people if found else None)
                outcome = await self._engine.carry_out(plan, account, confirmed=True, found=found)
            except (ActionError, KlaviyoError) as error:
                watch.outcome = error.code
                await record.end(explain(error, action, registry).data["error"])
                raise
            record.request_ids = [reply.request_id for reply in outcome.all_replies if reply.request_id]
            await record.end(None)
            return outcome.records

    async def _looked_at(self, account: Account, plan: Plan) -> Told | None:
        """What may refuse a plan is looked up for each chunk: agreeing to the job has not seen it."""
        return await self._engine.consequences(plan, account) if must_be_looked_at(plan) else None
