"""One reading of a file of rows: whether it can be read, its bytes hashed on the way, whether it stayed the same.

Nothing here knows the form of what is in it.
"""

import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from klaviyo_mcp.jobs.rows import SourceProblem

HEAD = 256 * 1024
"""Bytes at the beginning of a file by which its form is found out."""
GZIP = b"\x1f\x8b"
UNPACK = "Unpack it and give the file that is in it."
PICTURE = ("is a picture", "Give the table as CSV, JSON or Parquet.")
NOT_ROWS = {
    b"PK\x03\x04": ("is a zip archive", UNPACK),
    b"PK\x05\x06": ("is an empty zip archive", UNPACK),
    b"\xd0\xcf\x11\xe0": ("is an old Excel or Office file", "Save it as CSV UTF-8 and give that file."),
    b"%PDF": ("is a PDF", "Give the table as CSV, JSON or Parquet."),
    b"BZh": ("is packed with bzip2", UNPACK),
    b"\xfd7zXZ": ("is packed with xz", UNPACK),
    b"\x28\xb5\x2f\xfd": ("is packed with zstd", UNPACK),
    b"7z\xbc\xaf": ("is a 7z archive", UNPACK),
    b"PARE": ("is encrypted Parquet", "Write it without encryption and give that file."),
    b"\x89PNG": PICTURE,
    b"\xff\xd8\xff": PICTURE,
    b"SQLite format 3": ("is an SQLite database", "Export the table as CSV and give that file."),
}
"""How files begin that hold no rows as they are, what they are, and what to do."""
WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head)\b", re.IGNORECASE)
EXCEL = ("is an Excel workbook", "Save it as CSV UTF-8 and give that file.")
NOT_FILES = (
    (stat.S_ISDIR, "is a folder", "Give one file."),
    (stat.S_ISFIFO, "is a pipe, which can be read only once", "Write what comes out of it to a file and give that."),
    (stat.S_ISCHR, "is a device", "Give a file."),
    (stat.S_ISBLK, "is a device", "Give a file."),
    (stat.S_ISSOCK, "is a socket", "Give a file."),
)


class _Updated(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


class State(NamedTuple):
    """What shows that a file is still the one that was looked at."""

    device: int
    inode: int
    size: int
    modified: int


def looked_at(path: Path) -> State:
    """The state of a file that can be read. Raises SourceProblem for what is none, or is empty."""
    with _told(path):
        # Before it is opened: to open a pipe would wait for whoever writes to it.
        status = path.stat()
        for is_one, what, advice in NOT_FILES:
            if is_one(status.st_mode):
                raise SourceProblem(f"{path.name} {what}", advice)
        with path.open("rb"):
            pass
    if not status.st_size:
        raise SourceProblem(f"{path.name} is empty: it has not a single byte", "Look at how it was made.")
    return _state(status)


class Reading:
    """A file read once, from its beginning: `stream` has its bytes, unpacked where it is packed with gzip.

    Raises SourceProblem where the file is not in the `state` in which it was looked at.
    """

    def __init__(self, path: Path, state: State) -> None:
        self.path = path
        self._state = state
        self._hash = sha256()
        with _told(path):
            self._file = path.open("rb", buffering=0)
            self._hashed: io.BufferedReader = io.BufferedReader(_Hashed(self._file, self._hash), 256 * 1024)
            try:
                self._unchanged()
                self.packed = self._hashed.peek(2)[:2] == GZIP
            except BaseException:
                self._file.close()
                raise
        self.stream = gzip.GzipFile(fileobj=self._hashed) if self.packed else self._hashed

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def finish(self) -> str:
        """The SHA-256 of the whole file, in hexadecimal. Raises SourceProblem where it changed meanwhile."""
        with _told(self.path):
            while self._hashed.read(256 * 1024):
                pass
            self._unchanged()
        return self._hash.hexdigest()

    def _unchanged(self) -> None:
        now = _state(os.fstat(self._file.fileno()))
        if now == self._state:
            return
        if (now.device, now.inode) != (self._state.device, self._state.inode):
            how = "was replaced by another file"
        elif now.size != self._state.size:
            how = (
                f"{'grew' if now.size > self._state.size else 'shrank'} from {self._state.size:,} to {now.size:,} bytes"
            )
        else:
            how = "was written to"
        raise SourceProblem(
            f"{self.path.name} {how} while it was read", "Begin again once nothing writes to it, or give a copy of it."
        )


def head_of(path: Path, state: State) -> tuple[bytes, bool]:
    """The first bytes of a file, unpacked, and whether it is packed. Raises SourceProblem for what holds no rows."""
    with Reading(path, state) as reading, damage_told(path.name):
        head = reading.stream.read(HEAD)
    for magic, (what, advice) in NOT_ROWS.items():
        if head.startswith(magic):
            if magic.startswith(b"PK") and b"xl/" in head:
                what, advice = EXCEL
            raise SourceProblem(f"{path.name} {what}", advice)
    if WEB_PAGE.match(head):
        raise SourceProblem(
            f"{path.name} is a web page, as where a sign-in page was saved in place of a file",
            "Open it in a browser to see what it says, and download the file once more.",
        )
    if not head:
        raise SourceProblem(f"{path.name} is empty: nothing is packed in it", "Look at how it was made.")
    return head, reading.packed


@contextmanager
def damage_told(name: str) -> Generator[None]:
    """Says in words what goes wrong while bytes are unpacked and made into text."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        what = "is cut off" if isinstance(error, EOFError) else "is damaged"
        raise SourceProblem(
            f"{name} {what}: it cannot be unpacked to its end", "Copy or download it once more."
        ) from error
    except UnicodeDecodeError as error:
        raise SourceProblem(
            f"{name} has bytes that are no text in {error.encoding}, or ends in the middle of a character",
            "Copy it once more, or give its encoding, such as --encoding cp1252.",
        ) from error
    except OSError as error:
        raise _problem(name, error) from error


@contextmanager
def _told(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise _problem(path.name, error) from error


def _problem(name: str, error: OSError) -> SourceProblem:
    if isinstance(error, FileNotFoundError):
        return SourceProblem(f"There is no file {name} there", "Give the path of a file that is there.")
    if isinstance(error, PermissionError):
        return SourceProblem(f"{name} may not be read by this user", "Give the right to read it, or a copy of it.")
    return SourceProblem(f"{name} cannot be read: {error.strerror or error}", "Copy it to another place and try that.")


def _state(status: os.stat_result) -> State:
    return State(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class _Hashed(io.RawIOBase):
    """Bytes of a file, hashed as they are read."""

    def __init__(self, file: io.FileIO, hashed: _Updated) -> None:
        self._file = file
        self._update = hashed.update

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview", /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        count = self._file.readinto(buffer) or 0
        self._update(memoryview(buffer)[:count])
        return count
