"""The services of jobs by their names in the specs, put together when the first of them is called."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from klaviyo_mcp.actions.services import Service
from klaviyo_mcp.runtime.job_checks import Checks
from klaviyo_mcp.runtime.job_exporting import StartExport
from klaviyo_mcp.runtime.job_looking import CancelJob, GetFiles, GetJob, GetJobs, PauseJob, ResumeJob, WaitForJob
from klaviyo_mcp.runtime.job_sources import JobSources
from klaviyo_mcp.runtime.job_starting import StartJob

if TYPE_CHECKING:
    from klaviyo_mcp.runtime.assembly import Application
    from klaviyo_mcp.runtime.job_worker import JobWorker


def service_of(name: str, application: "Application", worker: "JobWorker") -> Service | None:
    """The service of a name; None where there is none."""
    if name not in worker.services and (make := MAKERS.get(name)):
        worker.services[name] = make(application, worker)
    return worker.services.get(name)


def _starting(application: "Application", worker: "JobWorker") -> Service:
    host = worker.host
    sources = JobSources(worker.store, application.settings.klaviyo_mcp_files, application.kept)
    if host is not None:
        sources = replace(sources, upload=host.upload, page=host.page, most_unpacked=host.most_unpacked)
    checks = Checks(worker)
    worker.closing.append(checks.close)
    return StartJob(application.engine, worker, sources, checks)


MAKERS: "dict[str, Callable[[Application, JobWorker], Service]]" = {
    "start_job": _starting,
    "start_export": lambda application, worker: StartExport(
        application.engine, worker, application.settings.klaviyo_mcp_files
    ),
    "get_job": lambda application, worker: GetJob(application.engine, worker),
    "wait_for_job": lambda application, worker: WaitForJob(application.engine, worker),
    "get_jobs": lambda _, worker: GetJobs(worker),
    "cancel_job": lambda application, worker: CancelJob(application.engine, worker),
    "pause_job": lambda _, worker: PauseJob(worker),
    "resume_job": lambda _, worker: ResumeJob(worker),
    "get_files": lambda application, worker: GetFiles(application.settings.klaviyo_mcp_files, worker.host),
}
