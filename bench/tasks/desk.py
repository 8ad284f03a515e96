"""What an agent has: the tools of a real server over stdio, by the SDK's own client, and a count of all it does."""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.tasks.shop import JSON, Shop
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

LOOKING = ("find_actions", "describe_action")
CHARACTERS_PER_TOKEN = 3.6
"""Of JSON and short English, as a rule of thumb; what a model counts is up to its tokenizer."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a call was answered with: what a model reads, and the same as data."""

    text: str
    data: JSON
    is_error: bool


@dataclass(slots=True)
class Figures:
    """What an agent took for a task.

    log: each call's tool or action, and the characters of its answer; refused: calls answered with an error, by code;
    held: calls that waited for a yes; missed: searches that did not show, among the first five, the action that was
    wanted, which only scripts tell
    """

    log: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    held: int = 0
    refused: list[str] = field(default_factory=list[str])
    missed: list[str] = field(default_factory=list[str])
    seconds: float = 0.0

    @property
    def calls(self) -> int:
        """How many there were."""
        return len(self.log)

    @property
    def read(self) -> int:
        """Characters of all answers."""
        return sum(characters for _, characters in self.log)

    @property
    def looking(self) -> int:
        """Characters of those answers that only tell what there is to call."""
        return sum(characters for name, characters in self.log if name in LOOKING)

    @property
    def tokens(self) -> int:
        """About how many tokens of a model's context the answers take."""
        return round(self.read / CHARACTERS_PER_TOKEN)


class Desk:
    """The tools in front of an agent, for one task."""

    def __init__(self, client: Client, tools: list[JSON]) -> None:
        self.tools = tools
        self.instructions = client.instructions or ""
        self.names = {str(tool["name"]) for tool in tools}
        self.figures = Figures()
        self._client = client

    async def call(self, tool: str, arguments: JSON) -> Result:
        """Call a tool, whatever comes of it."""
        answer = await self._client.call_tool(tool, arguments)
        text = "".join(getattr(block, "text", "") for block in answer.content)
        result = Result(text, answer.structured_content or {}, bool(answer.is_error))
        figures = self.figures
        figures.log.append((tool if tool in LOOKING else str(arguments.get("action", tool)), len(text)))
        if result.is_error:
            figures.refused.append(str(result.data.get("error", {}).get("code", "error")))
        figures.held += "confirmation" in result.data and result.data.get("done") is False
        return result


class Server:
    """A connected `klaviyo-mcp serve` and what it lists."""

    def __init__(self, client: Client, tools: list[JSON]) -> None:
        self._client = client
        self.tools = tools

    @property
    def listing(self) -> int:
        """Characters of the list of tools and the instructions, which a model reads before it begins."""
        listed = json.dumps(self.tools, separators=(",", ":"), ensure_ascii=False)
        return len(listed) + len(self._client.instructions or "")

    def desk(self) -> Desk:
        """A desk for the next task, with nothing counted yet."""
        return Desk(self._client, self.tools)


@asynccontextmanager
async def served(shop: Shop, exposure: str = "search", more: Mapping[str, str] | None = None) -> AsyncIterator[Server]:
    """A server of its own process for this shop, with every other setting as it is by default, but for `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO_")}
    words = ["-m", "klaviyo_mcp", "serve", "--expose", exposure]
    program = StdioServerParameters(
        command=sys.executable, args=words, env={**kept, **shop.environment, **(more or {})}
    )
    async with Client(program) as client:
        listed = (await client.list_tools()).tools
        yield Server(client, [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in listed])
