"""The words that start this program from elsewhere, wherever it is installed."""

import shutil
import sys
from pathlib import Path

PROGRAM = "klaviyo-mcp"


def words(*, uvx: bool) -> list[str]:
    """The program, as absolute paths: clients with windows have another PATH than a terminal.

    With `uvx`, or run by it now, it is `uvx klaviyo-mcp`, which gets and keeps the program itself.
    """
    if uvx or _run_by_uvx():
        return [_absolute(shutil.which("uvx")) or "uvx", PROGRAM]
    script = Path(sys.argv[0])
    if script.stem.lower() == PROGRAM and (found := _absolute(shutil.which(sys.argv[0]))):
        return [found]
    return [sys.executable, "-m", "klaviyo_mcp"]


def _absolute(path: str | None) -> str:
    """Links are kept: what they lead to changes with an update."""
    return str(Path(path).absolute()) if path else ""


def _run_by_uvx() -> bool:
    """Whether this environment lies in uv's cache, which uv may clear."""
    return "archive-v" in sys.prefix and "uv" in Path(sys.prefix).parts
