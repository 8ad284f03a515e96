"""What all Python drivers share: the trip comes in on stdin, one JSON line per step goes out on stdout.

In: {"transport": "stdio" or "http", "command": words, "url": text, "options": words, "calls": steps}, where a step is
{tool, arguments, found} with patterns for arguments that earlier answers hold, or {method, params} of the protocol.
Out: {"tools": names}; for each step {"text": what a model would be given}, {"error": what the framework raised},
{"absent": its name} when a tool was not loaded, or {"cannot": method} where the client has no such request; at the end
{"done": true}, or {"broken": why} wherever a trip breaks; and {"remark": text} at any time.
"""

import asyncio
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

Call = Callable[[str, dict[str, Any]], Awaitable[str] | str]
"""Calls a tool as the framework would, and gives what its model would read; what the framework raises goes through."""
Asks = dict[str, Callable[..., Awaitable[Any]]]
"""Requests of the protocol beside tools, by method: each takes its params and gives the result, a model of pydantic."""
Toolbox = tuple[Iterable[str], Call] | tuple[Iterable[str], Call, Asks]


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


def drive(toolbox: Callable[[Server], AbstractAsyncContextManager[Toolbox]]) -> None:
    """Make the trip that stdin tells with the tools of `toolbox`: names, how one is called, and what else is asked."""
    trip = json.load(sys.stdin)

    async def travel() -> None:
        steps = trip.pop("calls")
        async with toolbox(Server(**trip)) as (loaded, call, *more):
            names = sorted(loaded)
            say(tools=names)
            texts: list[str] = []
            for step in steps:
                try:
                    said = await take(step, names, call, more[0] if more else {}, texts)
                except Exception as error:  # noqa: BLE001 - whatever a framework raises is what its user gets
                    said = {"error": f"{type(error).__name__}: {error}"}
                texts.append(said.get("text", ""))
                say(**said)
            say(done=True)

    try:
        asyncio.run(travel())
    except BaseException as error:  # noqa: BLE001
        say(broken="".join(traceback.format_exception_only(innermost(error))).strip())
    # Frameworks leave threads behind, which would keep the process alive.
    os._exit(0)


async def take(step: dict[str, Any], names: list[str], call: Call, asks: Asks, texts: list[str]) -> dict[str, str]:
    """One step, and what is to be said of it."""
    if "method" in step:
        if step["method"] not in asks:
            return {"cannot": step["method"]}
        return {"text": (await asks[step["method"]](**step["params"])).model_dump_json(by_alias=True)}
    if step["tool"] not in names:
        return {"absent": step["tool"]}
    arguments = step["arguments"] | {name: found(pattern, texts) for name, pattern in step["found"].items()}
    answer = call(step["tool"], arguments)
    return {"text": str(await answer if inspect.isawaitable(answer) else answer)}


def found(pattern: str, texts: list[str]) -> str:
    """What the last answer in which there is something says."""
    for text in reversed(texts):
        if there := re.search(pattern, text):
            return there[1]
    raise LookupError(f"No answer so far holds {pattern}.")


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
