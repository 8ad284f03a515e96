"""What files are read into: rows, rows that cannot be read, and what makes a whole file unusable."""

from dataclasses import dataclass
from typing import Any


class SourceProblem(Exception):
    """A file, or what was said of it, cannot be used as it is. Nothing was sent.

    `message` says what is wrong with what, `advice` what to do about it. Both are free of the file's values.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


@dataclass(slots=True)
class Row:
    """A row: its number, its values by column, its text as it was.

    The number is that of its first line, from 1; in JSON and Parquet its own among the rows. No two rows have the same.

    Values are text from CSV, typed from JSON and Parquet.
    """

    line: int
    values: dict[str, Any]
    raw: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, and why."""

    line: int
    raw: str
    why: str
