"""The jobs and files of companies in the hosted service: put together, and forgotten with their company."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.grants import is_id
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.company_exports import CompanyExports
from klaviyo_mcp.hosted.company_files import MB, MOST_TIMES, CompanyFiles
from klaviyo_mcp.hosted.config import keeps_jobs
from klaviyo_mcp.hosted.job_grants import JobGrants
from klaviyo_mcp.loose_json import JSON, text
from klaviyo_mcp.runtime.assembly import Application
from klaviyo_mcp.runtime.job_attaching import attach_jobs
from klaviyo_mcp.runtime.job_worker import CONNECTION, JobHost, JobWorker

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.store import JobStore

NOT_KEPT = "This service keeps no jobs: its operator has not set KLAVIYO_MCP_JOBS_URL, and nothing was sent."
UNPACKED = 10
"""How often the size of a file its rows may have, unpacked."""
REFUSED_FOR = timedelta(days=1)
"""How long jobs of a company that Klaviyo refuses wait for somebody to connect it again."""


class CompanyJobs:
    """The worker of one instance, the files that it has rows from, and what exports have made.

    `files` is None where none are taken, and `exports` where none are made.
    """

    def __init__(
        self, application: Application, authorization: AuthorizationServer, config: AuthorizationConfig
    ) -> None:
        """Nothing is opened yet. The engine of the application carries out the actions of jobs from now on."""
        settings, accounts = application.settings, application.accounts
        assert isinstance(accounts, ConnectedAccounts)  # noqa: S101 - `hosted_service` has looked
        self._authorization = authorization
        grants = JobGrants(accounts, authorization)
        self._keeps = keeps_jobs(settings)
        takes = self._keeps and settings.klaviyo_mcp_upload_mb > 0
        self.files = CompanyFiles(self._store, config.api_url, settings.klaviyo_mcp_upload_mb) if takes else None
        makes = self._keeps and settings.klaviyo_mcp_export_mb > 0
        self.exports = CompanyExports(self._store, config.api_url) if makes else None
        host = JobHost(
            grants.account,
            grants.mend,
            serves=_serves,
            upload=self.files.opened if self.files else None,
            uploads=self.files.listed if self.files else None,
            page=f"{config.issuer}/uploads" if self.files else "",
            most_unpacked=UNPACKED * settings.klaviyo_mcp_upload_mb * MB,
            exports=f"{config.issuer}/exports" if makes else "",
            most_exported=MOST_TIMES * settings.klaviyo_mcp_export_mb * MB,
            refusal="" if self._keeps else NOT_KEPT,
        )
        self.worker: JobWorker = attach_jobs(application, host)

    async def gone(self, account_id: str) -> None:
        """Forget all that is kept of a company that nobody has a grant for any more."""
        if not self._keeps:
            return
        if self.files is not None:
            await self.files.forget(account_id)
        await self._forget(account_id)

    async def sweep(self) -> None:
        """Forget what is kept no longer, and what is of companies that have gone."""
        if not self._keeps:
            return
        files = await self.files.companies() if self.files is not None else []
        if self.files is not None:
            await self.files.tidy()
        for account_id in {*files, *await run_sync(_companies, await self._store())}:
            standing = await self._authorization.standing(account_id)
            if standing == "gone":
                await self.gone(account_id)
            elif standing == "refused":
                await self._forget(account_id, datetime.now(UTC) - REFUSED_FOR)

    async def _store(self) -> "JobStore":
        return await self.worker.store()

    async def _forget(self, account_id: str, before: datetime | None = None) -> None:
        await run_sync(partial(_forget, await self._store(), account_id, before))


def _serves(facts: JSON) -> bool:
    """Whether a job is one of a service's: others may lie in the same database."""
    return is_id(text(facts.get(CONNECTION)))


def _companies(store: "JobStore") -> set[str]:
    return {text(job.facts.get("account")) for job in store.jobs() if _serves(job.facts)}


def _forget(store: "JobStore", account_id: str, before: datetime | None) -> None:
    for job in store.jobs():
        old = before is None or datetime.fromisoformat(job.changed) < before
        if old and _serves(job.facts) and job.facts.get("account") == account_id:
            store.forget(job.id)
