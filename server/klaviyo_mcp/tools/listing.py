"""Actions as tools: what a list of them shows, to whom. Each tool is in the form of MCP, as JSON."""

import json
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from klaviyo_mcp.answers.budget import BUDGET, CLIENTS_LIMIT, MOST, TAKEN_UNTOLD
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.app_page import URI
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.tool_names import ToolNames
from klaviyo_mcp.registry.tool_schema import brief_schema, listed_schema
from klaviyo_mcp.runtime.exposure import Exposure
from klaviyo_mcp.tools.account_argument import choice, with_account
from klaviyo_mcp.tools.server_tools import server_tools

if TYPE_CHECKING:
    from klaviyo_mcp.accounts.account import Accounts

BESIDE = 1_000
"""Bytes of a result beside the data of its answer."""
MOST_MADE = 16
"""Lists of tools that are kept. Most requests, whoever makes them, get the same one."""
MOST_OTHERS = 8
"""Arguments beside those of a brief schema that are named."""
UNPREFIXED: ToolNames[Action] = ToolNames({}, ())
Made = TypeVar("Made")


class ToolList(ABC, Generic[Made]):
    """The tools as the accounts of the moment make them. One account, or none, needs nothing asked.

    `Made` is what those who list them make of a list.
    """

    def __init__(self, registry: Registry, exposure: Exposure, room: int = BUDGET) -> None:
        """The tools of a registry that `exposure` allows, in stable order; an answer of each may have `room` bytes.

        Where that is more than clients take by themselves, each tool says so.
        """
        self.exposure = exposure
        self._names = registry.names
        self._actions = [action for action in registry.actions if exposure.lists(action)]
        own = server_tools(exposure, registry.names)
        self._tools: dict[str, JSON] = {tool["name"]: tool for tool in own} | {
            registry.names.listed(action.name): self._as_listed(action, registry.names) for action in self._actions
        }
        if room > TAKEN_UNTOLD:
            told = {CLIENTS_LIMIT: min(room + BESIDE, MOST)}
            self._tools = {
                name: {**tool, "_meta": {**mapping(tool.get("_meta")), **told}} for name, tool in self._tools.items()
            }
        self._kept: OrderedDict[object, Made] = OrderedDict()

    @abstractmethod
    def make(self, tools: list[JSON]) -> Made:
        """What is listed, of the tools that are to be in it."""

    def _as_listed(self, action: Action, names: ToolNames[Action]) -> JSON:
        most = self.exposure.characters
        return as_tool(action, names) if most is None else as_brief_tool(action, names, most)

    @property
    def tools(self) -> int:
        """How many tools there are when nothing is hidden."""
        return len(self._tools)

    @cached_property
    def text(self) -> str:
        """All tools as JSON, as a server of one account lists them."""
        return json.dumps(list(self._tools.values()), ensure_ascii=False, separators=(",", ":"))

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """The input schema of a tool."""
        tool = self._tools.get(name)
        return tool["inputSchema"] if tool else None

    async def now(self, accounts: "Accounts") -> Made:
        """The list for these accounts at this moment, kept for the next who have the same.

        A vault that cannot be read is told by the calls, not by an empty list.
        """
        try:
            names, default = await choice(accounts)
            hidden = await self._hidden(accounts)
        except KlaviyoError:
            names, default, hidden = [], None, frozenset[str]()
        return self.of(names, default, hidden)

    def of(self, names: Sequence[str], default: str | None = None, hidden: frozenset[str] = frozenset()) -> Made:
        """The list for accounts of these names, without the tools that are hidden."""
        several = tuple(names) if len(names) > 1 else ()
        key = (several, default, hidden)
        if key not in self._kept:
            tools = [tool for name, tool in self._tools.items() if name not in hidden]
            if several:
                tools = [{**tool, "inputSchema": with_account(tool["inputSchema"], names, default)} for tool in tools]
            self._kept[key] = self.make(tools)
            if len(self._kept) > MOST_MADE:
                self._kept.popitem(last=False)
        return self._kept[key]

    async def _hidden(self, accounts: "Accounts") -> frozenset[str]:
        if not self.exposure.hide_unavailable:
            return frozenset()
        known = [(await accounts.find(name)).access for name in await accounts.names()]
        return frozenset(
            self._names.listed(action.name) for action in self._actions if not self.exposure.available(action, known)
        )


def as_brief_tool(action: Action, names: ToolNames[Action], most: int) -> JSON:
    """An action in few words, beside the tool that describes it whole; its arguments take about `most` characters."""
    schema, others = brief_schema(action.spec, most)
    named = ", ".join(others[:MOST_OTHERS]) + (f" and {len(others) - MOST_OTHERS} more" if others[MOST_OTHERS:] else "")
    more = f" Also takes {named}: see describe_action." if others else ""
    return _tool(action, names, f"{action.spec.told_summary}{more}", schema)


def as_tool(action: Action, names: ToolNames[Action] = UNPREFIXED) -> JSON:
    """An action as MCP shows it, in its own JSON. `names` are those of a server that lists its tools with a prefix."""
    return _tool(action, names, action.spec.told_description, listed_schema(action.spec))


def _tool(action: Action, names: ToolNames[Action], description: str, schema: JSON) -> JSON:
    """The hints come from the strongest effect that a call of it can have; nothing guesses it from the HTTP method.

    The title stands among them alone, where clients of every revision find it: once more would be 10 KB of a list of
    all.
    """
    spec = action.spec
    hints: JSON = {
        "title": spec.title,
        "readOnlyHint": action.effect == "read",
        "destructiveHint": action.strongest_effect == "destructive",
    }
    # A read is idempotent by nature, and an open world is the protocol's default: neither is worth its bytes.
    if action.effect != "read":
        hints["idempotentHint"] = spec.idempotent
    return {
        "name": names.listed(spec.name),
        "description": names.told(description),
        "inputSchema": names.told_schema(schema),
        "annotations": hints,
        **({"_meta": {"ui": {"resourceUri": URI}}} if spec.result.report else {}),
    }
