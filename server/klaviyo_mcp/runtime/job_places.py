"""Where jobs are kept, told without loading what opens it."""

from pathlib import Path

from klaviyo_mcp.accounts.vault import default_home
from klaviyo_mcp.runtime.settings import Settings


def home(settings: Settings) -> Path:
    """The folder of the accounts."""
    return (settings.klaviyo_mcp_home or default_home()).expanduser().absolute()


def folder(settings: Settings) -> Path:
    """Where jobs are kept that are kept in files."""
    return home(settings) / "jobs"


def jobs_file(settings: Settings) -> Path | None:
    """The database of jobs, where that is a file."""
    return folder(settings) / "jobs.sqlite" if settings.klaviyo_mcp_jobs_url is None else None


def exports_folder(settings: Settings) -> Path:
    """Where exports lie that were not asked for as a file."""
    return folder(settings) / "exports"
