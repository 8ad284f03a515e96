"""What all Python drivers share: the trip comes in on stdin, one JSON line per step goes out on stdout.

In: {"transport": "stdio" or "http", "command": words, "url": text, "options": words, "calls": [{tool, arguments}]}.
Out: {"tools": names}; for each call {"text": what a model would be given}, {"error": what the framework raised}, or
{"absent": its name} when it was not loaded; at the end {"done": true}, or {"broken": why} wherever a trip breaks; and
{"remark": text} at any time.
"""

import asyncio
import inspect
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

Call = Callable[[str, dict[str, Any]], Awaitable[str] | str]
"""Calls a tool as the framework would, and gives what its model would read; what the framework raises goes through."""


@dataclass(frozen=True)
class Server:
    """Where the server is: over stdio a command, over HTTP a URL."""

    transport: str
    command: list[str]
    url: str
    options: list[str]

    @property
    def program(self) -> str:
        """The first word of the command."""
        return self.command[0]

    @property
    def words(self) -> list[str]:
        """The other words of the command."""
        return self.command[1:]


def drive(toolbox: Callable[[Server], AbstractAsyncContextManager[tuple[Iterable[str], Call]]]) -> None:
    """Make the trip that stdin tells with the tools of `toolbox`: names, and how one is called."""
    trip = json.load(sys.stdin)

    async def travel() -> None:
        calls = trip.pop("calls")
        async with toolbox(Server(**trip)) as (loaded, call):
            names = sorted(loaded)
            say(tools=names)
            for asked in calls:
                if asked["tool"] not in names:
                    say(absent=asked["tool"])
                    continue
                try:
                    answer = call(asked["tool"], asked["arguments"])
                    say(text=str(await answer if inspect.isawaitable(answer) else answer))
                except Exception as error:  # noqa: BLE001 - whatever a framework raises is what its user gets
                    say(error=f"{type(error).__name__}: {error}")
            say(done=True)

    try:
        asyncio.run(travel())
    except BaseException as error:  # noqa: BLE001
        say(broken="".join(traceback.format_exception_only(innermost(error))).strip())
    # Frameworks leave threads behind, which would keep the process alive.
    os._exit(0)


def remark(text: str) -> None:
    """What is to be said of this client, beside its results."""
    say(remark=text)


# Frameworks print to stdout; that goes to stderr, and may not come between the lines.
LINES = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def say(**line: Any) -> None:
    LINES.write(json.dumps(line) + "\n")
    LINES.flush()


def innermost(error: BaseException) -> BaseException:
    """The first single error inside groups of errors, or what a bare wrapper was raised from."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
