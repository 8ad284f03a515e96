"""Anthropic's Messages API: tools as plain data."""

from collections.abc import Iterator, Sequence

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.toolkit.tool import Tool


def tool_params(tools: Sequence[Tool]) -> Iterator[JSON]:
    """For `tools` of `messages.create`."""
    for tool in tools:
        yield {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
