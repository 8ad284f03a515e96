"""Why a client's file is left as it is."""

from pathlib import Path


class Unreadable(Exception):
    """The text is not what its client reads; `line` counts from 1, and `advice` is what mends it."""

    def __init__(self, message: str, line: int, advice: str = "Mend that line") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.advice = advice


class NotInstalled(Exception):
    """Nothing was written. The text says why, and what to do."""


def unreadable(path: Path, error: Unreadable) -> NotInstalled:
    """As a person is told of it."""
    return NotInstalled(
        f"{path}, line {error.line}: {error.message}. Nothing was written: the file is the client's, and it cannot be "
        f"read as it stands.\nNext: {error.advice}, then run this again."
    )
