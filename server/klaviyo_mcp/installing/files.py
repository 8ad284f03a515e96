"""Reading and writing a client's file: whole or not at all, through links, with the old one kept beside it."""

import difflib
import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from klaviyo_mcp.installing.errors import NotInstalled, Unreadable

WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
BOM = b"\xef\xbb\xbf"
OUR_KEY = re.compile(r"pk_[A-Za-z0-9_]{4,}")
NAMED = r"[\w-]*(?:key|token|secret|passw|authorization|credential)[\w-]*"
SECRET = re.compile(
    rf"""(["']?{NAMED}["']?\s*[:=]\s*["']|{NAMED}(?:=|:\s*|["'],\s*["'])|\b(?:bearer|basic)\s+)[^"'\n&]+"""
    r"""|(?<=://)[^/@"'\s]+(?=@)""",
    re.IGNORECASE,
)
"""A value whose name says that it is one, of whichever server: a diff may be read by others than the file."""


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A client's file as it was found. `raw` is None where there is none yet."""

    path: Path
    raw: bytes | None

    @staticmethod
    def read(path: Path) -> "ClientFile":
        """Raises NotInstalled for what is no file, or may not be read."""
        try:
            if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
                raise NotInstalled(f"{path} is no file. Nothing was written.")
            return ClientFile(path, path.read_bytes())
        except FileNotFoundError:
            if path.is_symlink():
                raise NotInstalled(
                    f"{path} is a link to {path.readlink()}, which does not exist. Nothing was written.\n"
                    "Next: Mend the link, then run this again."
                ) from None
            return ClientFile(path, None)
        except OSError as error:
            raise NotInstalled(f"{path} cannot be read ({error.strerror}). Nothing was written.") from None

    @property
    def text(self) -> str:
        """With line feeds alone where all line breaks are CR LF. Raises Unreadable for what is not UTF-8."""
        raw = (self.raw or b"").removeprefix(BOM)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise Unreadable("it is not UTF-8", line, "Save the file as UTF-8 in an editor") from None
        return text.replace("\r\n", "\n") if self._crlf else text

    @property
    def _crlf(self) -> bool:
        raw = self.raw or b""
        return b"\r\n" in raw and raw.count(b"\r\n") == raw.count(b"\n")

    def diff(self, text: str) -> str:
        """What `text` would change, with a line before and after and no secrets. Empty where it is the same."""
        before = [] if self.raw is None else self.text.splitlines()
        lines = difflib.unified_diff(before, text.splitlines(), str(self.path), str(self.path), lineterm="", n=1)
        return SECRET.sub(r"\1…", OUR_KEY.sub("pk_…", "\n".join(lines)))

    def write(self, text: str, *, private: bool) -> Path | None:
        """Put `text` in place, and return where the old file is kept, None where there was none.

        `private` makes the file one that its owner alone may read. Raises NotInstalled, with the file as it was.
        """
        raw = (text.replace("\n", "\r\n") if self._crlf else text).encode()
        if (self.raw or b"").startswith(BOM):
            raw = BOM + raw
        target = Path(os.path.realpath(self.path))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if ClientFile.read(self.path).raw != self.raw:
                raise NotInstalled(f"{self.path} was changed by another program just now. Run this again.")
            mode = 0o600 if self.raw is None else stat.S_IMODE(target.stat().st_mode)
            if not mode & WRITABLE:
                raise NotInstalled(
                    f"{self.path} is read-only, as if something else writes it. It is as it was.\n"
                    "Next: Change it where it comes from, or make it writable and run this again."
                )
            mode = 0o600 if private else mode
            kept = None if self.raw is None else self._keep(target)
            _put(target, raw, mode)
        except OSError as error:
            raise NotInstalled(f"{self.path} cannot be written ({error.strerror}). It is as it was.") from None
        return kept

    def _keep(self, target: Path) -> Path:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        kept = target.with_name(f"{target.name}.{moment}.bak")
        # For its owner alone: keys of other servers may stand in it.
        _put(kept, self.raw or b"", 0o600)
        return kept


def _put(path: Path, raw: bytes, mode: int) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
