"""The files of an export: rows until all are there, and how one takes its place. Nobody else can read them till then.

What has been written is on the disk before it is kept how far the export is; going on cuts the file to what was kept,
so that a death at any moment leaves no row twice, and none out.
"""

import errno
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.jobs.reading_out import Place
from klaviyo_mcp.jobs.writing import line_of
from klaviyo_mcp.loose_json import JSON

TAIL = 4_096
"""Bytes at the end of the rows by which they are known again."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Target:
    """The file of an export. `force` takes the place of one that is there; `excel` is CSV as Excel wants it.

    With `in_database` there is no file (see `outputs`), and the path is no more than a name.
    """

    path: Path
    form: str
    excel: bool = False
    force: bool = False
    in_database: bool = False

    @property
    def part(self) -> Path:
        """Where the rows are until all are there."""
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def made(self) -> Path:
        """Where a table is until it is whole."""
        return self.path.with_name(f"{self.path.name}.part.{self.form}")


class RowsFile:
    """The file of rows, whose end is where the last step that was kept has left it."""

    def __init__(self, path: Path, file: IO[bytes], place: Place) -> None:
        """`file` is open at its end."""
        self._path, self._file, self._place = path, file, place
        self._end = b""

    @classmethod
    def going_on(cls, path: Path, place: Place) -> "RowsFile":
        """The file of an export, cut to what was kept. Raises JobProblem where it is not the one that was left."""
        with disk_told(path):
            try:
                file = _own(path) if place.size else new_file(path)
            except FileNotFoundError:
                raise _not_as_left(path, "is not there any more") from None
            start = max(0, place.size - TAIL)
            file.seek(start)
            end = file.read(place.size - start)
            if len(end) < place.size - start or (place.size and _hash(end) != place.tail):
                file.close()
                raise _not_as_left(path, "is not as it was left")
            file.truncate(place.size)
            file.seek(place.size)
        found = cls(path, file, place)
        found._end = end
        return found

    def add(self, rows: list[JSON]) -> None:
        """Write rows, and have them on the disk. The place knows of them then."""
        data = b"".join(map(line_of, rows))
        with disk_told(self._path):
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._end = (self._end + data)[-TAIL:]
        self._place.rows += len(rows)
        self._place.size += len(data)
        self._place.tail = _hash(self._end)

    def close(self) -> None:
        """Close it; what could not be written was told before."""
        with suppress(OSError):
            self._file.close()


@contextmanager
def disk_told(path: Path) -> Generator[None]:
    """What the disk does not do, in words."""
    try:
        yield
    except OSError as error:
        full = error.errno in FULL
        advice = "Make room, and resume the job." if full else "Make it a place that can be written to, and resume."
        raise JobProblem(
            f"{path} cannot be written ({error.strerror}). What was read before is kept.", advice
        ) from None


def as_new(path: Path) -> None:
    """Give a file the mode that a new one has there, by the umask or the folder's own rule: it is the user's now."""
    probe = path.with_name(f"{path.name}.mode")
    with probe.open("wb") as file:
        probe.unlink()
        path.chmod(stat.S_IMODE(os.fstat(file.fileno()).st_mode))


def new_file(path: Path) -> IO[bytes]:
    """A new file that nobody else can read: rows of people lie in it. What writes to one of before does so in vain."""
    path.unlink(missing_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    _locked(file)
    return file


def _own(path: Path) -> IO[bytes]:
    """The file that is there; a copy in its place where a run that was taken over, and stands still, may write yet."""
    file = path.open("r+b")
    if _locked(file):
        return file
    copied = copied_of(path)
    with file, new_file(copied) as copy:
        shutil.copyfileobj(file, copy, 1_000_000)
    copied.replace(path)
    file = path.open("r+b")
    _locked(file)
    return file


def copied_of(path: Path) -> Path:
    """Where a copy of rows is made."""
    return path.with_name(f"{path.name}.copy")


def _locked(file: IO[bytes]) -> bool:
    """Hold a file until it is closed, or its process ends; whether nobody else does."""
    try:
        import fcntl  # not on Windows, where two processes cannot have it open for long
    except ImportError:
        return True
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()[:32]


def _not_as_left(path: Path, how: str) -> JobProblem:
    return JobProblem(
        f"{path} {how}, and has the rows that were read so far.",
        "Put it back and resume the job, or begin the export anew with --force.",
    )
