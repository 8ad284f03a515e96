"""Who does the tasks: a script of ours, a program that is given them line by line, or what was recorded of one."""

import asyncio
import json
import shlex
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from bench.tasks.desk import Desk, Result
from bench.tasks.shop import JSON
from bench.tasks.task import Answer, Task

_LINE = 64 * 1024 * 1024
_PATIENCE = 600.0


class AgentError(RuntimeError):
    """An agent that did not keep to the protocol, gave up, or ended."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What an agent is told of a task. `given` are the names and addresses in the prompt, for scripts."""

    task: Task
    prompt: str
    given: Mapping[str, Any]


Agent = Callable[[Brief, Desk], Awaitable[Answer]]
Turn = Callable[[JSON], Awaitable[JSON]]
"""One turn of the protocol: what the agent is told, and the call or the answer that it says next."""


async def in_turns(brief: Brief, desk: Desk, turn: Turn) -> Answer:
    """A task by the line protocol (see README.md): task, then calls and results, until there is an answer."""
    said = await turn(opening(brief, desk))
    while said.get("type") == "call":
        result = await desk.call(str(said.get("tool")), said.get("arguments") or {})
        said = await turn(told(result))
    if said.get("type") != "answer":
        raise AgentError(f"The agent said {str(said)[:200]!r}, which is neither a call nor an answer.")
    return Answer(str(said.get("text", "")), said.get("data") or {})


def opening(brief: Brief, desk: Desk) -> JSON:
    """The first line of a task."""
    return {"type": "task", "task": brief.task.number, "prompt": brief.prompt, **_known(desk)}


def _known(desk: Desk) -> JSON:
    """What an agent knows of the server before it begins."""
    return {"instructions": desk.instructions, "tools": desk.tools}


def told(result: Result) -> JSON:
    """The line that answers a call."""
    return {"type": "result", "text": result.text, "data": result.data, "is_error": result.is_error}


def by_command(command: str) -> Agent:
    """An agent that is a program, started anew for each task; raises AgentError when it ends or is silent too long."""

    async def work(brief: Brief, desk: Desk) -> Answer:
        program = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE
        )
        stdin, stdout = program.stdin, program.stdout
        if stdin is None or stdout is None:
            raise AgentError(f"{command} has no stdin and stdout.")

        async def turn(line: JSON) -> JSON:
            stdin.write(json.dumps(line).encode() + b"\n")
            with suppress(ConnectionError):
                await stdin.drain()
            said = await asyncio.wait_for(stdout.readline(), _PATIENCE)
            if not said:
                raise AgentError(f"{command} ended before it answered.")
            return json.loads(said)

        try:
            return await in_turns(brief, desk, turn)
        except (TimeoutError, ValueError) as error:
            raise AgentError(f"{command}: {error or 'no answer in time'}") from None
        finally:
            stdin.close()
            with suppress(ProcessLookupError):
                program.terminate()
            await program.wait()

    return work


class Recorded:
    """Plays a recording again: the same calls, with the ids, tokens and cursors that this run's answers give."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._tasks: dict[int, list[JSON]] = {}
        turns: list[JSON] = []
        for line in map(json.loads, lines):
            if line["type"] == "task":
                turns = self._tasks[line["task"]] = []
            else:
                turns.append(line)

    async def __call__(self, brief: Brief, desk: Desk) -> Answer:
        """Raises AgentError for a task that was not recorded."""
        if brief.task.number not in self._tasks:
            raise AgentError(f"Task {brief.task.number} is not in the recording.")
        turns = iter(self._tasks[brief.task.number])
        now: dict[str, Any] = {}
        expected: JSON = {}

        async def turn(line: JSON) -> JSON:
            nonlocal expected
            if line["type"] == "result":
                now.update(_differing(expected["data"], line["data"]))
            said = next(turns, {})
            expected = next(turns, {}) if said.get("type") == "call" else {}
            return _with(said, now)

        return await in_turns(brief, desk, turn)


def _differing(then: Any, now: Any) -> Iterator[tuple[str, str]]:
    """The texts that stand in the same place of two answers and are not the same."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in then.keys() & now.keys():
            yield from _differing(then[key], now[key])
    elif isinstance(then, list) and isinstance(now, list):
        for one, other in zip(then, now, strict=False):
            yield from _differing(one, other)
    elif isinstance(then, str) and isinstance(now, str) and then != now:
        yield then, now


def _with(value: Any, now: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _with(inner, now) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with(inner, now) for inner in value]
    return now.get(value, value) if isinstance(value, str) else value


class Recording:
    """Writes down what an agent does: the protocol's lines of both sides, without the list of tools."""

    def __init__(self, agent: Agent, to: TextIO) -> None:
        self._agent = agent
        self._to = to

    async def __call__(self, brief: Brief, desk: Desk) -> Answer:
        """Work as the agent does."""
        self._write({**opening(brief, desk), "tools": sorted(desk.names)})
        answer = await self._agent(brief, _Overheard(desk, self._write))
        self._write({"type": "answer", "text": answer.text, "data": answer.data})
        return answer

    def _write(self, line: JSON) -> None:
        self._to.write(json.dumps(line, ensure_ascii=False) + "\n")


class _Overheard(Desk):
    """A desk whose calls are written down."""

    def __init__(self, desk: Desk, write: Callable[[JSON], None]) -> None:
        self._desk = desk
        self._write = write
        self.tools, self.names, self.figures = desk.tools, desk.names, desk.figures
        self.instructions = desk.instructions

    async def call(self, tool: str, arguments: JSON) -> Result:
        self._write({"type": "call", "tool": tool, "arguments": arguments})
        result = await self._desk.call(tool, arguments)
        self._write(told(result))
        return result


def chosen(words: str) -> Agent:
    """The agent that --agent names: `scripted`, `replay:FILE`, or a command."""
    if words == "scripted":
        from bench.tasks.scripts import scripted  # a program or a recording needs none of them

        return scripted
    if words.startswith("replay:"):
        return Recorded(Path(words.removeprefix("replay:")).read_text(encoding="utf-8").splitlines())
    return by_command(words)
