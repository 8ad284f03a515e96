"""A source that is read no further than so far: what strangers pack with gzip may have no end."""

from collections.abc import Iterator

from klaviyo_mcp.jobs.rows import BadRow, Row, SourceProblem
from klaviyo_mcp.jobs.source import Source


class BoundedSource(Source):
    """All of another source, as long as its rows have no more than so many characters together."""

    def __init__(self, inner: Source, most: int) -> None:
        """`most` is in characters."""
        super().__init__(inner.name, inner.form)
        self.columns, self.sample, self.told, self.delimiter = inner.columns, inner.sample, inner.told, inner.delimiter
        self._inner, self._most = inner, most

    def rows(self) -> Iterator[Row | BadRow]:
        """See Source. Raises SourceProblem for more, too."""
        characters = 0
        for row in self._inner.rows():
            characters += len(row.raw)
            if characters > self._most:
                raise SourceProblem(
                    f"{self.name} unpacks to more than {self._most / 1e6:,.0f} MB of rows",
                    "Split it into several files.",
                )
            yield row
        self.fingerprint = self._inner.fingerprint
