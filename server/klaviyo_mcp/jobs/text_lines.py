"""The lines of a text file, each held to a length, with what shows that bytes of it are no text."""

import io
import re
from collections import deque
from collections.abc import Iterable
from gzip import GzipFile

from klaviyo_mcp.loose_json import HALF

LONGEST_LINE = 5 * 1024 * 1024
"""Characters of one line that are looked at: as many as a request to Klaviyo has bytes."""
SHOWN = 20_000
"""Characters that are kept of a row that cannot be read."""
ESCAPES = re.compile("[\udc80-\udcff]")
"""What undecodable bytes become, by the error handler `surrogateescape`."""


class LineTooLong(Exception):
    """A line has more than LONGEST_LINE characters; the rest of it was passed over."""


def text_of(stream: GzipFile | io.BufferedReader, encoding: str) -> io.TextIOWrapper:
    """A stream's text with its ends of line as they are. Bytes that are no text become halves of characters."""
    wide = encoding.startswith(("utf-16", "utf-32"))
    return io.TextIOWrapper(stream, encoding, errors="surrogatepass" if wide else "surrogateescape", newline="")


class Lines:
    """Lines for `csv.reader`: `taken` are those since it was last emptied; what is given `back` comes once more."""

    __slots__ = ("_again", "_read", "taken")

    def __init__(self, text: io.TextIOBase) -> None:
        self._read = text.readline
        self._again: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        again = bool(self._again)
        line = self._again.popleft() if again else self._read(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.taken.append(line)
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            if not again:
                self._pass_over()
            raise LineTooLong
        return line

    def back(self, lines: Iterable[str]) -> None:
        """Put lines before those that come next."""
        self._again.extendleft(reversed(list(lines)))

    def _pass_over(self) -> None:
        while (more := self._read(LONGEST_LINE)) and not more.endswith(("\n", "\r")):
            pass


def not_text(raw: str) -> str:
    """Why a row's text cannot be sent, nothing where it can."""
    if "\0" in raw:
        return "has a NUL byte"
    if raw.isascii() or HALF.search(raw) is None:
        return ""
    if ESCAPES.search(raw):
        return "has bytes that are no text in the encoding of the file"
    return "has half of a character"


def shown(raw: str) -> str:
    """A row's text as it can be written to a file: without ends of line after it, and U+FFFD for what is no text."""
    raw = raw.rstrip("\r\n")
    raw = raw if len(raw) <= SHOWN else f"{raw[:SHOWN]}…"
    return raw if raw.isascii() else HALF.sub("\ufffd", raw)
