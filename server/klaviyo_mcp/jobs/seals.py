"""Rows of people at rest: packed, and sealed with the vault's key. What is sealed knows what it was sealed for."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any

from cryptography.fernet import InvalidToken
from pydantic_core import from_json

from klaviyo_mcp.accounts.errors import VaultProblem
from klaviyo_mcp.jobs.errors import SealBroken

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

LOOK_EVERY = 1.0
"""Seconds for which the keys hold that were looked up: they may be changed while others work."""
PIECE = 256 * 1024
"""Bytes that are unpacked at a time."""
READ_TOGETHER = 500
"""Rows that are read as one JSON: names of properties are there once for all of them, and no text is large."""


class Seals:
    """Seals and opens values that JSON can hold."""

    def __init__(self, opener: "MultiFernet", anew: "Callable[[], MultiFernet | None] | None" = None) -> None:
        """`opener` has all keys; the first one seals. `anew` looks them up again, and raises VaultProblem."""
        self._opener, self._anew = opener, anew
        self._looked = monotonic()

    def seal(self, value: Any, for_: str) -> bytes:
        """The value, packed and sealed; `for_` is what it is opened as, and as nothing else."""
        text = json.dumps([for_, value], ensure_ascii=False, separators=(",", ":"))
        return self._encrypt(zlib.compress(text.encode("utf-8", "surrogatepass"), 1))

    def seal_rows(self, rows: Iterable[bytes], for_: str) -> bytes:
        """Values that are JSON already, each in a line, packed one by one: together they never lie in memory."""
        packer = zlib.compressobj(1)
        packed = [packer.compress(for_.encode()), *(packer.compress(b"\n" + row) for row in rows), packer.flush()]
        return self._encrypt(b"".join(packed))

    def open_rows(self, sealed: bytes, for_: str) -> list[Any]:
        """The values that `seal_rows` sealed for this. Raises SealBroken."""
        try:
            lines = _unpacked(self._decrypt(sealed))
            if next(lines, b"") != for_.encode():
                raise _other_key()
            found: list[Any] = []
            while rows := list(islice(lines, READ_TOGETHER)):
                found += _read(b"[" + b",".join(rows) + b"]")
        except (InvalidToken, zlib.error):
            raise _other_key() from None
        return found

    def seal_bytes(self, data: bytes, for_: str) -> bytes:
        """Bytes, packed and sealed likewise."""
        return self.seal_rows([data], for_)

    def open_bytes(self, sealed: bytes, for_: str) -> bytes:
        """What `seal_bytes` sealed for this. Raises SealBroken."""
        try:
            sealed_for, _, data = zlib.decompress(self._decrypt(sealed)).partition(b"\n")
        except (InvalidToken, zlib.error):
            sealed_for, data = b"", b""
        if sealed_for != for_.encode():
            raise SealBroken(
                "What was kept cannot be opened: the key of the vault is another one than when it was sealed.",
                "Set KLAVIYO_MCP_VAULT_KEY to NEW,OLD with the key of then, or give the file once more.",
            )
        return data

    def open(self, sealed: bytes, for_: str) -> Any:
        """What was sealed for this. Raises SealBroken."""
        try:
            sealed_for, value = json.loads(zlib.decompress(self._decrypt(sealed)))
        except (InvalidToken, zlib.error, ValueError):
            sealed_for, value = None, None
        if sealed_for != for_:
            raise _other_key()
        return value

    def _encrypt(self, data: bytes) -> bytes:
        if monotonic() - self._looked > LOOK_EVERY:
            self._look()
        return self._opener.encrypt(data)

    def _decrypt(self, sealed: bytes) -> bytes:
        try:
            return self._opener.decrypt(sealed)
        except InvalidToken:
            self._look()
        return self._opener.decrypt(sealed)

    def _look(self) -> None:
        """See which keys there are now; while that cannot be told, those of before hold."""
        if self._anew is not None:
            with suppress(VaultProblem):
                self._opener = self._anew() or self._opener
        self._looked = monotonic()


def _unpacked(packed: bytes) -> Iterator[bytes]:
    """The lines of what is packed, of which no more than some pieces are in memory unpacked."""
    unpacker, left = zlib.decompressobj(), b""
    while packed and not unpacker.eof:
        *lines, left = (left + unpacker.decompress(packed, PIECE)).split(b"\n")
        packed = unpacker.unconsumed_tail
        yield from lines
    yield left + unpacker.flush()


def _read(data: bytes) -> Any:
    """A list of rows that was written here. Equal texts are one in memory, as many rows have the same city."""
    try:
        return from_json(data)
    except ValueError:  # half of a character, or deeper than it goes
        return json.loads(data)


def _other_key() -> SealBroken:
    return SealBroken(
        "Rows of this job cannot be opened: the key of the vault is another one than when it was begun.",
        "Set KLAVIYO_MCP_VAULT_KEY to NEW,OLD with the key of then, or cancel the job and start it anew.",
    )
