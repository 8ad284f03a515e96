"""What is wrong with a file or a job, as tools say it: the words of the command line become those of arguments."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from klaviyo_mcp.actions.services import ServiceProblem

PLACES = {
    "--option": "options",
    "--map": "columns",
    "--set": "constants",
    "--region": "region",
    "--zone": "zone",
    "--duplicates": "duplicates",
    "--bad-rows": "bad_rows",
    "--form": "reading.form",
    "--format": "form",
    "--encoding": "reading.encoding",
    "--delimiter": "reading.delimiter",
    "--header": "reading.header true",
    "--no-header": "reading.header false",
    "--dates": "reading.dates",
    "--decimal": "reading.decimal",
    "--by": "by",
    "--since": "since",
    "--until": "until",
    "--list": "list",
    "--segment": "segment",
    "--metric": "metric",
    "--profile": "profile",
    "--predictions": "predictions",
}
"""Options of the command line, and the arguments of tools that are the same."""
COMMANDS = (
    (re.compile(r"klaviyo-mcp jobs (show|resume|cancel|pause) (\S+[\w])"), r"\1_job of \2"),
    (re.compile(r"klaviyo-mcp jobs list"), "get_jobs"),
    (re.compile(r"\bshow_job\b"), "get_job"),
    (re.compile(r"begin the export anew with --force"), "cancel it and begin the export anew"),
)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def in_tool_words(text: str) -> str:
    """A sentence about the command line, as one about tools."""
    for form, instead in COMMANDS:
        text = form.sub(instead, text)
    return OPTION.sub(lambda found: PLACES.get(found[0], found[0]), text)


def without_paths(text: str, path: str, name: str) -> str:
    """A sentence about a file, which whoever named it calls `name`: where it lies is nothing for an agent."""
    folder, named = str(Path(path).parent), name or "the file of this export"
    text = text.replace(path, named)
    return text if folder in (".", "/") else text.replace(f"{folder}/", "").replace(folder, _folder_of(name))


def _folder_of(name: str) -> str:
    above = PurePosixPath(name).parent.as_posix() if name else ""
    return above if above not in ("", ".") else "of this server's files"


@contextmanager
def told(path: str = "", name: str = "") -> Generator[None]:
    """Raises what is wrong with a file or a job as a ServiceProblem; of a file of `path`, as `without_paths` has it."""
    from klaviyo_mcp.jobs.errors import JobProblem
    from klaviyo_mcp.jobs.rows import SourceProblem

    try:
        yield
    except (SourceProblem, JobProblem) as error:
        message, advice = (in_tool_words(text) for text in (error.message, error.advice))
        if path:
            message, advice = (without_paths(text, path, name) for text in (message, advice))
        message = message.rstrip(".")
        raise ServiceProblem(message if message.endswith("?") else f"{message}.", advice) from None
