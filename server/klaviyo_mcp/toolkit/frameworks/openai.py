"""OpenAI's APIs: function tools as plain data, for Chat Completions and for Responses."""

from collections.abc import Iterator, Sequence

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.toolkit.tool import Tool


def chat_tools(tools: Sequence[Tool]) -> Iterator[JSON]:
    """For `tools` of `chat.completions.create`, and of every API that took over its form."""
    for tool in tools:
        yield {"type": "function", "function": _function(tool)}


def response_tools(tools: Sequence[Tool]) -> Iterator[JSON]:
    """For `tools` of `responses.create`. Strict schemas, its default, would require every optional argument."""
    for tool in tools:
        yield {"type": "function", **_function(tool), "strict": False}


def _function(tool: Tool) -> JSON:
    return {"name": tool.name, "description": tool.description, "parameters": tool.schema}
