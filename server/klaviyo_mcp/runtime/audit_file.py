"""The file of KLAVIYO_MCP_AUDIT_FILE: written to by several processes, one line after the other, on the disk at once.

Beside it lie `.lock`, which one process holds at a time, `.key`, which hashes of personal data are made with, and
`.head`, the hash of the last line: without it nobody could see that lines are missing at the end. A new file begins a
new chain.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.audit_chain import FIRST, GAP, RECOVERED, Verdict, continued, line_of, torn_at, verify

LOCK_WAIT = 10.0
"""Seconds to wait for the other processes that write."""
TAIL = 512 * 1024
"""Bytes at the end of a file that are looked at before a line is written; no line has half of that."""
KEY_BYTES = 32


class AuditProblem(Exception):
    """The file cannot be written or read; the message says why, in words for whoever runs the server."""


class AuditFile:
    """One file, and what lies beside it."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened before it is used."""
        self.path = path
        self._secret = b""

    def prepare(self) -> None:
        """Make sure that it can be written, without an entry. Raises AuditProblem."""
        with self._translated():
            if self.path.exists() and not self.path.is_file():
                raise AuditProblem(f"{self.path} is no plain file")
            if not self.path.parent.is_dir():
                raise AuditProblem(f"{self.path} cannot be written: there is no folder {self.path.parent}")
            with self._locked(), self._opened() as descriptor:
                size = os.fstat(descriptor).st_size
                # A full disk opens a file all the same.
                _write(descriptor, b"\n", size)
                os.ftruncate(descriptor, size)
                self._secret = self._key()

    def hashed(self, text: str) -> str:
        """What equal values have in common, whatever their case and the space around them, and nothing else tells."""
        if not self._secret:
            with self._translated(), self._locked():
                self._secret = self._key()
        plain = text.strip().casefold().encode("utf-8", "surrogatepass")
        return f"hmac:{hmac.digest(self._secret, plain, hashlib.sha256)[:8].hex()}"

    def append(self, entry: JSON) -> None:
        """Write an entry after the last. It is on the disk when this returns. Raises AuditProblem."""
        with self._translated(), self._locked(), self._opened() as descriptor:
            size = os.fstat(descriptor).st_size
            data, last = self._lines(descriptor, size, entry)
            _write(descriptor, data, size)
            os.fsync(descriptor)
            with suppress(OSError):
                # The entry is written; a head that stays behind sees less.
                self._replace(".head", f"{last}\n".encode())

    def lines(self) -> Iterator[bytes]:
        """The lines of the file, with their ends. Raises AuditProblem."""
        with self._translated("read"), self.path.open("rb") as file:
            yield from file

    def verified(self) -> Verdict:
        """What the file holds. Raises AuditProblem."""
        with self._translated("read"), self._locked():
            return verify(self.lines(), self.head)

    @property
    def head(self) -> str:
        """The hash of the last line that was written, nothing where none is known."""
        with suppress(OSError, UnicodeError):
            text = self._beside(".head").read_text("ascii").strip()
            return text if re.fullmatch("[0-9a-f]{64}", text) else ""
        return ""

    def _lines(self, descriptor: int, size: int, entry: JSON) -> tuple[bytes, str]:
        """What is to be written for an entry, and the hash of its last line."""
        head, data, previous = self.head, b"", FIRST
        if size == 0:
            entry = {**entry, "follows": head} if head else entry
        else:
            tail = _tail(descriptor, size)
            previous, data = continued(tail)
            if torn := torn_at(tail):
                told = {"at": entry["at"], "phase": RECOVERED, "torn": hashlib.sha256(torn).hexdigest()}
                line, previous = line_of(told, previous)
                data += line
            if head and head.encode() not in tail and head.encode() not in self.path.read_bytes():
                line, previous = line_of({"at": entry["at"], "phase": GAP, "expected": head}, previous)
                data += line
        line, last = line_of(entry, previous)
        return data + line, last

    @contextmanager
    def _translated(self, doing: str = "written") -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise AuditProblem(f"{self.path} cannot be {doing} ({error.strerror or type(error).__name__})") from None

    @contextmanager
    def _locked(self) -> Generator[None]:
        from filelock import FileLock, Timeout  # 20 ms that only a server with an audit log has to wait

        try:
            with FileLock(self._beside(".lock"), LOCK_WAIT, mode=0o600):
                yield
        except Timeout:
            raise AuditProblem(f"{self.path} has been locked by another process for {LOCK_WAIT:.0f} seconds") from None

    @contextmanager
    def _opened(self) -> Generator[int]:
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _key(self) -> bytes:
        """The key, made at first use."""
        with suppress(FileNotFoundError):
            kept = self._beside(".key").read_bytes()
            if len(kept) == KEY_BYTES:
                return kept
        new = os.urandom(KEY_BYTES)
        self._replace(".key", new)
        return new

    def _replace(self, kind: str, data: bytes) -> None:
        new = self._beside(f"{kind}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write(descriptor, data, 0)
        finally:
            os.close(descriptor)
        new.replace(self._beside(kind))

    def _beside(self, kind: str) -> Path:
        return self.path.with_name(self.path.name + kind)


def _write(descriptor: int, data: bytes, size: int) -> None:
    """Write all of it at the end of a file of that size, or nothing."""
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _tail(descriptor: int, size: int) -> bytes:
    """The end of a file."""
    os.lseek(descriptor, max(0, size - TAIL), os.SEEK_SET)
    tail = b""
    while part := os.read(descriptor, TAIL):
        tail += part
    return tail
