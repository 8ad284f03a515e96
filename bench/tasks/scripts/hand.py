"""How a scripted agent works: with what the tools say, as a careful model does, and with nothing else."""

import asyncio
import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from bench.tasks.agents import AgentError
from bench.tasks.desk import Desk, Result
from bench.tasks.shop import JSON

_SHOWN = 5
MOST_LOOKS, BETWEEN_LOOKS = 40, 0.5
"""How often something is looked at that takes its time, and the seconds in between."""
WORKED = re.compile(r"```json (\w+)\n(.*?)```", re.DOTALL)
"""A worked call in a guide: the action, and its arguments as JSON."""
Words = str | tuple[str, ...]
"""What is searched for; of several wordings the next one, as long as the one before has not shown what is wanted."""


class Hand:
    """The tools of a desk in the hand of a script. `given` are the names and addresses in the prompt."""

    def __init__(self, desk: Desk, given: Mapping[str, Any]) -> None:
        self.desk = desk
        self.given = given
        self._found: dict[str, JSON] = {}
        self._read = ""
        self.takes_names = "name:" in desk.instructions
        self.takes_fields = "fields names" in desk.instructions

    def lists(self, tool: str) -> bool:
        """Whether there is such a tool in the list."""
        return tool in self.desk.names

    def shown(self, *fields: str, otherwise: JSON) -> JSON:
        """The arguments that ask for these fields alone, or what says so to a server that does not take `fields`."""
        return {"fields": list(fields)} if self.takes_fields else otherwise

    def requires(self, action: str, argument: str) -> bool:
        """Whether a call has to have this argument: by the list of tools, or by what a search marks as needed."""
        schemas = [tool["inputSchema"] for tool in self.desk.tools if tool["name"] == action]
        return any(argument in schema.get("required", []) for schema in schemas)

    async def run(self, words: Words, action: str, /, **arguments: Any) -> JSON:
        """Run an action that `words` find, and give its answer. One that was refused raises AgentError."""
        return _data(await self.attempt(words, action, **arguments), f"{action} was refused")

    async def attempt(self, words: Words, action: str, /, **arguments: Any) -> Result:
        """Run an action, whatever comes of it: by its tool where it is listed, else found first."""
        if action in self.desk.names:
            return await self._call(action, arguments)
        entry = self._found.get(action) or await self._look(words, action, arguments)
        return await self._call(entry["run_with"], {"action": action, "arguments": arguments})

    async def tool(self, name: str, **arguments: Any) -> JSON:
        """Call one of the server's own tools, and give its answer. One that was refused raises AgentError."""
        return _data(await self._call(name, arguments), f"{name} was refused")

    async def follow(self, pointer: JSON) -> JSON:
        """The read that an answer points at: its `verify` and its like, with their arguments."""
        action, arguments = pointer["action"], pointer.get("arguments", {})
        if action in self.desk.names:
            result = await self._call(action, arguments)
        else:
            result = await self._call("run_read_action", {"action": action, "arguments": arguments})
        return _data(result, f"{action} was pointed at and refused")

    async def job_done(self, begun: JSON) -> JSON:
        """The job that an answer says was begun, once it has ended. One that takes too long raises AgentError."""
        job = begun["record"]
        for _ in range(MOST_LOOKS):
            if job["status"] in ("complete", "cancelled"):
                return job
            await asyncio.sleep(BETWEEN_LOOKS)
            job = (await self.follow(begun["verify"]))["record"]
        raise AgentError(f"A job was still {job['status']} after {MOST_LOOKS} looks.")

    async def guide(self, topic: str) -> "Guide":
        """A guide for agents, read as it is told to those who have tools and nothing else."""
        told = await self._call("describe_action", {"action": f"guide:{topic}"})
        guide = Guide(told.text)
        for tool, names in told.data["run_with"].items():
            # A worked call shows all that there is to know of an action for a call like it.
            self._found |= {name: {"name": name, "run_with": tool} for name in names if guide.works(name)}
        return guide

    async def side_by_side(self, words: Words, action: str, calls: list[JSON]) -> list[JSON]:
        """The same read several times, ten in a call."""
        if action in self.desk.names and "run_read_action" not in self.desk.names:
            return [await self.run(words, action, **one) for one in calls]
        if action not in self.desk.names and action not in self._found:
            await self._look(words, action, calls[0])
        answers: list[JSON] = []
        for at in range(0, len(calls), 10):
            ten = [{"action": action, "arguments": one} for one in calls[at : at + 10]]
            answers += (await self._call("run_read_action", {"calls": ten})).data["answers"]
        return answers

    async def records(self, words: Words, action: str, /, **arguments: Any) -> list[JSON]:
        """All records of a read, page by page."""
        answer = await self.run(words, action, **arguments)
        found: list[JSON] = answer["records"]
        while cursor := answer.get("next_cursor"):
            answer = await self.run(words, action, **arguments, cursor=cursor)
            found += answer["records"]
        return found

    async def confirm(self, held: JSON) -> JSON:
        """Go on with a call that waits for a yes, once what it would do was looked at."""
        if held.get("done") is not False:
            raise AgentError(f"Nothing waits for a yes: {str(held)[:300]}")
        result = await self._call("confirm_action", {"token": held["confirmation"]["token"]})
        return _data(result, "The confirmed call was refused")

    async def _call(self, tool: str, arguments: JSON) -> Result:
        result = await self.desk.call(tool, arguments)
        self._read += result.text
        return result

    async def _look(self, words: Words, action: str, arguments: JSON) -> JSON:
        """What there is to know of an action before it is called: searched for, unless an answer has named it."""
        if action in self._read:
            self._found[action] = (await self._call("describe_action", {"action": action})).data
            return self._found[action]
        return await self._find(words, action, arguments)

    async def _find(self, words: Words, action: str, arguments: JSON) -> JSON:
        for said in (words,) if isinstance(words, str) else words:
            answer = await self._call("find_actions", {"query": said, "limit": _SHOWN})
            entries: dict[str, JSON] = {entry["name"]: entry for entry in answer.data["actions"]}
            # What a search shows is known from then on, whatever it was made for.
            self._found |= {name: entry for name, entry in entries.items() if "arguments" in entry}
            if action in entries:
                break
            self.desk.figures.missed.append(f"{said!r} shows {', '.join(entries)}, not {action}")
        else:
            raise AgentError(f"No search showed {action}.")
        entry = entries[action]
        if not _tells(entry, arguments):
            await self._call("describe_action", {"action": action})
        self._found[action] = entry
        return entry


class Guide:
    """What a guide says: its text, and its worked calls. All forms that a script sends come from there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._worked = [(name, json.loads(block)) for name, block in WORKED.findall(text)]

    def works(self, action: str) -> bool:
        """Whether it has a worked call of an action."""
        return any(name == action for name, _ in self._worked)

    def worked(self, action: str, part: str) -> JSON:
        """The first worked call of an action in which this stands. Raises AgentError where none is shown."""
        for name, call in self._worked:
            if name == action and part in json.dumps(call):
                return copy.deepcopy(call)
        raise AgentError(f"The guide shows no {action} with {part}.")

    def says(self, word: str) -> str:
        """A word, which has to stand in the text as code: nobody can write one that was never shown."""
        if f"`{word}`" not in self.text and f'"{word}"' not in self.text:
            raise AgentError(f"The guide does not say {word}.")
        return word


def with_ids(value: Any, ids: Mapping[str, Any]) -> Any:
    """The same with the account's own ids in place of those that stand for them in a guide."""
    if isinstance(value, dict):
        return {key: with_ids(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_ids(inner, ids) for inner in value]
    return ids.get(value, value) if isinstance(value, str) else value


def _data(result: Result, otherwise: str) -> JSON:
    """What was answered. Raises AgentError, with `otherwise` before what an error says."""
    if result.is_error:
        raise AgentError(f"{otherwise}: {result.text[:1500]}")
    return result.data


def _tells(entry: JSON, arguments: JSON) -> bool:
    """Whether what a search shows of an action is enough for these arguments, and what they are made of."""
    shown = entry.get("arguments")
    if shown is None:
        return arguments.keys() <= entry.get("example", {}).keys()
    brief = [name for name in arguments if isinstance(shown.get(name), str)]
    in_example = entry.get("example", {})
    return all(name in in_example or not isinstance(arguments[name], dict | list) for name in brief)
