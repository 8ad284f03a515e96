"""What a program can see of the actions, and the tools that it gives to agent frameworks."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, overload

from klaviyo_mcp.runtime.answering import Ask
from klaviyo_mcp.runtime.assembly import Application
from klaviyo_mcp.runtime.discovering import actions_for
from klaviyo_mcp.toolkit.answers import ActionInfo, Found, info_of
from klaviyo_mcp.toolkit.boxes import Box, Expose, box_of
from klaviyo_mcp.toolkit.errors import ConfigurationError
from klaviyo_mcp.toolkit.frameworks import adapted
from klaviyo_mcp.toolkit.tool import Runs, Tool

if TYPE_CHECKING:
    from agents import FunctionTool
    from anthropic.types import ToolParam
    from google.genai.types import Tool as GoogleTool
    from langchain_core.tools import StructuredTool
    from openai.types.chat import ChatCompletionToolParam
    from openai.types.responses import FunctionToolParam
    from pydantic_ai import Tool as PydanticAITool

Untyped = Literal["anthropic-runner", "google-adk", "llamaindex", "mcp"]


class Toolbox(ABC):
    """The actions of an application, and its tools for frameworks. Nothing here asks Klaviyo."""

    def __init__(self, made: Application, ask: Ask | None) -> None:
        self._made = made
        self._ask = ask
        self.known_accounts: tuple[tuple[str, ...], str | None] = ((), None)
        self._given_out: dict[str | tuple[str, ...], Box] = {}
        self._closed = False

    @property
    def actions(self) -> list[ActionInfo]:
        """The actions that can be called here."""
        engine, exposure = self._made.engine, self._made.exposure
        return [info_of(action, engine.registry) for action in engine.registry.actions if exposure.shows(action)]

    def find(self, query: str, limit: int = 8) -> Found:
        """The actions that do what is wanted, said in plain words: "how many people are on a list"."""
        found, text = actions_for(self._made.engine, query, limit)
        registry = self._made.engine.registry
        return Found([info_of(action, registry) for action in found.actions], not found.likely, text)

    @overload
    def tools(self, for_: Literal["openai"], expose: Expose = "search") -> "list[ChatCompletionToolParam]": ...
    @overload
    def tools(self, for_: Literal["openai-responses"], expose: Expose = "search") -> "list[FunctionToolParam]": ...
    @overload
    def tools(self, for_: Literal["openai-agents"], expose: Expose = "search") -> "list[FunctionTool]": ...
    @overload
    def tools(self, for_: Literal["anthropic"], expose: Expose = "search") -> "list[ToolParam]": ...
    @overload
    def tools(self, for_: Literal["langchain"], expose: Expose = "search") -> "list[StructuredTool]": ...
    @overload
    def tools(self, for_: Literal["pydantic-ai"], expose: Expose = "search") -> "list[PydanticAITool[Any]]": ...
    @overload
    def tools(self, for_: Literal["google"], expose: Expose = "search") -> "list[GoogleTool]": ...
    @overload
    def tools(self, for_: Untyped, expose: Expose = "search") -> list[Any]: ...

    def tools(self, for_: str, expose: Expose = "search") -> list[Any]:
        """Tools as a framework has them: the same as an MCP server lists, with the same schemas and descriptions.

        `expose` says which actions are tools of their own: `search` everyday ones, with tools that find, describe and
        run all others; `core` what marketers use; `all`; or some, by names of actions, toolsets or globs, and then no
        tool reaches another action. Policies, confirmations and the audit are those of every call.

        Raises ConfigurationError, and FrameworkMissing with the command that installs what is missing.
        """
        box = self._box(_key(expose))
        made = adapted(for_, [self._tool(box, tool) for tool in box.listed])
        self._given_out[_key(expose)] = box
        return made

    def box_given_out(self, expose: Expose | None) -> Box:
        """The tools that a model's calls are about. Raises ConfigurationError where that is not known."""
        if expose is not None:
            return self._given_out.get(_key(expose)) or self._box(_key(expose))
        if len(self._given_out) != 1:
            several = "Several lists of tools were given out" if self._given_out else "No list of tools was given out"
            raise ConfigurationError(f"{several}: say with expose which of them this call is about.")
        return next(iter(self._given_out.values()))

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(f"this {type(self).__name__} is closed, and nothing was sent; open another one")

    def _box(self, expose: str | tuple[str, ...]) -> Box:
        return box_of(self._made, expose, *self.known_accounts, self._ask)

    def _tool(self, box: Box, listed: dict[str, Any]) -> Tool:
        name = str(listed["name"])
        schema, hints = listed["inputSchema"], listed.get("annotations", {})
        return Tool(name, str(listed["description"]), schema, self._runs(box, name), hints)

    @abstractmethod
    def _runs(self, box: Box, name: str) -> Runs:
        """How the tool of this name is run."""


def _key(expose: Expose) -> str | tuple[str, ...]:
    return expose if isinstance(expose, str) else tuple(sorted(expose))
