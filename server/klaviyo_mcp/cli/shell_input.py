"""Lines from a pipe or a file, waited for in the event loop: jobs of the shell go on while none comes."""

import codecs
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress

import anyio

AT_ONCE = 65_536


async def lines_of_stdin() -> AsyncGenerator[str]:
    """One line after the other, each with its line break, and what stands behind the last."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    begun, ended = "", False
    while not ended:
        read = await _read(sys.stdin.fileno())
        ended = not read
        begun += decoder.decode(read, ended)
        *whole, begun = begun.split("\n")
        for line in whole:
            yield f"{line}\n"
    if begun:
        yield begun


async def _read(descriptor: int) -> bytes:
    with suppress(OSError, NotImplementedError):  # a file has always something; on Windows pipes cannot be waited for
        await anyio.wait_readable(descriptor)
    return os.read(descriptor, AT_ONCE)
