"""Gives an application what carries out the actions of jobs; it is loaded when the first of them is called."""

from typing import TYPE_CHECKING

from klaviyo_mcp.runtime.job_worker import JobHost, JobWorker

if TYPE_CHECKING:
    from klaviyo_mcp.actions.services import Service
    from klaviyo_mcp.runtime.assembly import Application


def attach_jobs(application: "Application", host: JobHost | None = None) -> JobWorker:
    """Have the actions of jobs carried out, for as long as `looking_after` of the worker is entered."""
    worker = JobWorker(application, host)

    def services(name: str) -> "Service | None":
        from klaviyo_mcp.runtime.job_services import service_of  # with the first call of one

        return service_of(name, worker.application, worker)

    application.engine.services = services
    return worker
