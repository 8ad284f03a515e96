"""The chain of an audit file: how a line is made, and what verifying finds. Nothing is opened here.

A line is JSON that holds the hash of the line before it and ends with its own: SHA-256 over all that stands before. A
line that a crash left unfinished is named by the entry after it, `recovered`, so that the chain goes on around it.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from klaviyo_mcp.loose_json import JSON, is_object

FIRST = "0" * 64
"""Stands for the line before the first."""
RECOVERED, GAP = "recovered", "gap"
_END = re.compile(rb',"hash":"([0-9a-f]{64})"\}')
_END_LENGTH = len(',"hash":""}') + 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file holds: `entries`, the first line that is `broken` (from 1; None: none is) and `why`, torn lines."""

    entries: int
    broken: int | None = None
    why: str = ""
    torn: tuple[int, ...] = ()
    last: str = FIRST


def line_of(entry: JSON, previous: str) -> tuple[bytes, str]:
    """An entry as the line after the one with that hash, and its own hash."""
    body = json.dumps({**entry, "previous": previous}, ensure_ascii=True, separators=(",", ":")).encode()[:-1]
    digest = hashlib.sha256(body).hexdigest()
    return body + f',"hash":"{digest}"}}\n'.encode(), digest


def entry_of(line: bytes) -> JSON | None:
    """The entry of a line without its end; None for one that is not whole, or not as it was written."""
    body, end = line[:-_END_LENGTH], line[-_END_LENGTH:]
    found = _END.fullmatch(end)
    if found is None or hashlib.sha256(body).hexdigest() != found[1].decode():
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if is_object(entry) else None


def verify(lines: Iterator[bytes], head: str = "") -> Verdict:
    """Go through the lines of a file (with their ends). `head` is the hash of its last line, where that is known."""
    previous, number, entries = FIRST, 0, 0
    torn: list[int] = []
    unread: bytes | None = None
    seen = not head
    for number, line in enumerate(lines, 1):
        entry = entry_of(line.removesuffix(b"\n"))
        if entry is None:
            if unread is not None:
                return Verdict(entries, number - 1, "it was changed", tuple(torn), previous)
            unread = line.removesuffix(b"\n")
            continue
        if unread is not None:
            if entry.get("phase") != RECOVERED or entry.get("torn") != hashlib.sha256(unread).hexdigest():
                return Verdict(entries, number - 1, "it was changed", tuple(torn), previous)
            torn.append(number - 1)
        elif entry.get("phase") == RECOVERED:
            return Verdict(entries, number, "the torn line before it is missing", tuple(torn), previous)
        if entry.get("previous") != previous:
            return Verdict(
                entries, number, "lines before it are missing, or their order is another", tuple(torn), previous
            )
        if entry.get("phase") == GAP:
            return Verdict(entries, number, "lines before it were missing when it was written", tuple(torn), previous)
        if not line.endswith(b"\n"):
            return Verdict(entries, number, "its end is missing", tuple(torn), previous)
        previous, entries, unread = entry["hash"], entries + 1, None
        seen = seen or previous == head
    if unread is not None:
        # Nothing was written since, so the crash may have been the last that happened.
        if not seen:
            return Verdict(entries, number, "it was changed, or lines at the end are missing", tuple(torn), previous)
        if line.endswith(b"\n"):  # pyright: ignore[reportPossiblyUnboundVariable] - there was one
            return Verdict(entries, number, "it was changed", tuple(torn), previous)
        torn.append(number)
    if not seen:
        return Verdict(entries, number + 1, "lines at the end are missing", tuple(torn), previous)
    return Verdict(entries, None, "", tuple(torn), previous)


def continued(tail: bytes) -> tuple[str, bytes]:
    """Where the chain goes on after the end of a file, and what has to be written first, after a crash."""
    lines = tail.split(b"\n")
    rest = lines.pop()
    whole = [line for line in lines if line]
    if not rest:
        entry = entry_of(whole[-1]) if whole else None
        # One that was changed is left for `verify` to find: the chain goes on with what it is now.
        return (entry["hash"] if entry else hashlib.sha256(whole[-1] if whole else b"").hexdigest()), b""
    if (entry := entry_of(rest)) is not None:
        return entry["hash"], b"\n"
    before = entry_of(whole[-1]) if whole else None
    return (before["hash"] if before else FIRST), b"\n"


def torn_at(tail: bytes) -> bytes:
    """The unfinished line at the end of a file, empty where there is none."""
    rest = tail.rpartition(b"\n")[2]
    return b"" if not rest or entry_of(rest) is not None else rest
