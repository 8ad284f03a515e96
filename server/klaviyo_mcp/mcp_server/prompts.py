"""Prompts: everyday jobs in words for an agent, each a Markdown file of the package with what it needs in front.

arguments   by name: title, description, required or default, and complete: the reads whose records' names fit
needs       actions without which the job cannot be done: a server that has not all of them does not offer it
prefers     actions that make it shorter; the text says what to do where one is not there
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import mcp.types as types
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.registry.guides import PACKAGE, texts, told
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_names import DESCRIBE, RUN_TOOLS
from klaviyo_mcp.runtime.exposure import Exposure
from klaviyo_mcp.tools.account_argument import ARGUMENT as ACCOUNT
from klaviyo_mcp.tools.account_argument import nameable

LONGEST_VALUE = 8_000
"""Characters of an argument's value: a brief has room, and a book does not go into a prompt."""
PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class PromptFile:
    """One prompt as it is written. `arguments` by name hold title, description, required, default and complete."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, JSON]
    needs: tuple[str, ...]
    prefers: tuple[str, ...]
    text: str


@cache
def prompt_files() -> Mapping[str, PromptFile]:
    """All prompts by name, sorted. Read at first use."""
    return {
        name: PromptFile(
            name,
            str(front["title"]),
            str(front["description"]),
            mapping(front.get("arguments")),
            tuple(str(action) for action in items(front["needs"])),
            tuple(str(action) for action in items(front.get("prefers"))),
            text.strip(),
        )
        for name, (front, text) in texts(PACKAGE / "prompts").items()
    }


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a server, as far as it has the actions that they need."""

    registry: Registry
    exposure: Exposure
    files: Mapping[str, PromptFile] = field(default_factory=prompt_files)

    async def listed(self, accounts: Accounts) -> list[types.Prompt]:
        """Those that are offered; where several accounts are connected, each asks which one it is for."""
        several = await _several(accounts)
        return [
            types.Prompt(
                name=prompt.name,
                title=prompt.title,
                description=prompt.description,
                arguments=[*_arguments(prompt), *([_ACCOUNT] if several else [])],
            )
            for prompt in self.files.values()
            if not self.lacks(prompt)
        ]

    async def get(self, name: str, given: Mapping[str, str], accounts: Accounts) -> types.GetPromptResult:
        """A prompt with the values that were given. Raises MCPError that names the argument, or what there is."""
        prompt = self.files.get(name)
        if prompt is None or self.lacks(prompt):
            raise _refusal(self._not_offered(name, prompt))
        values = _values(prompt, given, known=await _several(accounts))
        text = PLACE.sub(lambda place: values[place[1]], told(prompt.text, self.registry.names))
        message = types.TextContent(text="\n\n".join([text, *self._more(prompt, values)]))
        return types.GetPromptResult(
            description=prompt.description, messages=[types.PromptMessage(role="user", content=message)]
        )

    def lacks(self, prompt: PromptFile, *, preferred: bool = False) -> list[str]:
        """The actions that it needs, or prefers, and this server does not have or does not allow."""
        by_name = self.registry.by_name
        named = prompt.prefers if preferred else prompt.needs
        return [name for name in named if name not in by_name or not self.exposure.shows(by_name[name])]

    def _more(self, prompt: PromptFile, values: Mapping[str, str]) -> list[str]:
        """What holds for every prompt, by what the server has."""
        names = self.registry.names
        found: list[str] = []
        if missing := self.lacks(prompt, preferred=True):
            found.append(
                f"Not on this server: {', '.join(map(names.listed, missing))}. Go the other way that is named."
            )
        if self.exposure.searches:
            run = ", ".join(names.listed(tool) for tool in RUN_TOOLS.values())
            found.append(
                f"Actions that are not among your tools: see with {names.listed(DESCRIBE)} what one takes, and run it "
                f"with the tool of its effect ({run})."
            )
        if account := values.get(ACCOUNT):
            found.append(f"All of it is about the Klaviyo account {account}: name it in every call.")
        return found

    def _not_offered(self, name: str, prompt: PromptFile | None) -> str:
        offered = [file.name for file in self.files.values() if not self.lacks(file)]
        there = f"There are: {', '.join(offered)}." if offered else "This server offers none."
        if prompt is None:
            return f"There is no prompt {one_line(name, 100)!r}. {there}"
        why = "is read-only and " if self.exposure.read_only else ""
        missing = ", ".join(self.lacks(prompt))
        return f"The prompt {name!r} is not offered, as this server {why}does not have {missing}. {there}"


_ACCOUNT = types.PromptArgument(
    name=ACCOUNT, title="Account", description="Which connected Klaviyo account it is for.", required=False
)


def _arguments(prompt: PromptFile) -> list[types.PromptArgument]:
    return [
        types.PromptArgument(
            name=name,
            title=str(said["title"]),
            description=str(said["description"]),
            required=bool(said.get("required", False)),
        )
        for name, said in prompt.arguments.items()
    ]


def _values(prompt: PromptFile, given: Mapping[str, str], *, known: bool) -> dict[str, str]:
    """The values of a prompt's arguments, those that were not given by default. Raises MCPError."""
    takes = [*prompt.arguments, *([ACCOUNT] if known else [])]
    if unknown := [one_line(name, 100) for name in given if name not in takes]:
        raise _refusal(f"{prompt.name} has no argument {unknown[0]!r}. It takes: {', '.join(takes)}.")
    values = {name: value.strip() for name, value in given.items() if value.strip()}
    for name, said in prompt.arguments.items():
        if name not in values and said.get("required"):
            raise _refusal(f"{prompt.name} needs the argument {name}: {said['description']}")
        if len(values.setdefault(name, str(said.get("default", "")))) > LONGEST_VALUE:
            raise _refusal(f"{name} has {len(values[name])} characters; {prompt.name} takes {LONGEST_VALUE}.")
    return values


async def _several(accounts: Accounts) -> bool:
    try:
        return len(await nameable(accounts)) > 1
    except KlaviyoError:  # a vault that cannot be read is told by the calls
        return False


def _refusal(message: str) -> MCPError:
    return MCPError(code=types.INVALID_PARAMS, message=message)
