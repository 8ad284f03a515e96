"""A file of rows, whatever its form: what it is, is found out when it is opened, and its rows are streamed."""

from collections.abc import Iterator
from typing import Protocol

from klaviyo_mcp.jobs.rows import BadRow, Row, SourceProblem

__all__ = ["BadRow", "Row", "Source", "SourceProblem"]


class Source(Protocol):
    """Rows of one file. `rows` starts anew at each call; reading that ends badly raises `SourceProblem`."""

    name: str
    """The file's name, without its folder."""
    form: str
    """`csv`, `jsonl`, `json`, `parquet`, or `rows`."""
    columns: list[str]
    """Of the header, or of the first rows; rows of JSON can have more."""
    sample: list[Row]
    """The first rows that can be read, up to 1,000."""
    told: list[str]
    """What was found out of the file, in sentences."""
    fingerprint: str
    """The SHA-256 of the file's bytes in hexadecimal, once its rows were read to the end; "" before."""

    def rows(self) -> Iterator[Row | BadRow]:
        """All rows, in order, each read once; memory does not grow with the file."""
        ...
