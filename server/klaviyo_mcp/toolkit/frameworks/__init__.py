"""A table of agent frameworks: for each, what makes its own tool objects of our tools, and what has to be installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.toolkit.errors import ConfigurationError, FrameworkMissing
from klaviyo_mcp.toolkit.tool import Tool


@dataclass(frozen=True, slots=True)
class Framework:
    """A kind of tool objects: the function `made` of an adapter here makes a list of them.

    `installs` is what pip has to install for it, the least version that was tried; empty where they are plain data.
    """

    adapter: str
    made: str
    installs: str = ""


FRAMEWORKS = {
    "anthropic": Framework("anthropic", "tool_params"),
    "anthropic-runner": Framework("anthropic_runner", "runnable_tools", "anthropic>=2.14"),
    "google": Framework("google", "declarations", "google-genai>=3.6"),
    "google-adk": Framework("google_adk", "adk_tools", "google-adk>=2.13"),
    "langchain": Framework("langchain", "structured_tools", "langchain-core>=1.8"),
    "llamaindex": Framework("llamaindex", "function_tools", "llama-index-core>=0.14"),
    "mcp": Framework("mcp", "as_they_are"),
    "openai": Framework("openai", "chat_tools"),
    "openai-agents": Framework("openai_agents", "function_tools", "openai-agents>=0.24"),
    "openai-responses": Framework("openai", "response_tools"),
    "pydantic-ai": Framework("pydantic_ai", "tools", "pydantic-ai-slim>=2.68"),
}


def adapted(for_: str, tools: Sequence[Tool]) -> list[Any]:
    """Tools as a framework has them. Raises ConfigurationError for one that is not known, and FrameworkMissing."""
    framework = FRAMEWORKS.get(for_)
    if framework is None:
        near = nearest(for_, FRAMEWORKS)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(FRAMEWORKS)}."
        raise ConfigurationError(f"There are no tools for_={for_!r}; {hint}")
    try:
        adapter = import_module(f"{__name__}.{framework.adapter}")
    except ImportError as error:
        if not framework.installs or (error.name or "").startswith("klaviyo_mcp"):
            raise
        wrong = "is not installed" if isinstance(error, ModuleNotFoundError) else "is too old"
        raise FrameworkMissing(
            f"Tools for {for_} need a package that {wrong} ({error}). "
            f"Install it: python -m pip install '{framework.installs}'"
        ) from error
    return list(getattr(adapter, framework.made)(tools))
