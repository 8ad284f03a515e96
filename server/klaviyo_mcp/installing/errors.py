"""Why a client's file is left as it is."""

from pathlib import Path


class Unreadable(Exception):
    """The text is not what its client reads; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class NotInstalled(Exception):
    """Nothing was written. The text says why, and what to do."""


def unreadable(path: Path, error: Unreadable) -> NotInstalled:
    """As a person is told of it."""
    return NotInstalled(
        f"{path}, line {error.line}: {error.message}. Nothing was written: the file is the client's, and it cannot be "
        "read as it stands.\nNext: Mend that line, then run this again."
    )
