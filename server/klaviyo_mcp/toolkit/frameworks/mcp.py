"""MCP's own form, for frameworks that are not in the table: name, description, schema, hints."""

from collections.abc import Iterator, Sequence

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.toolkit.tool import Tool


def as_they_are(tools: Sequence[Tool]) -> Iterator[JSON]:
    """Tools as `tools/list` of an MCP server has them."""
    for tool in tools:
        yield {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": tool.schema,
            "annotations": tool.hints,
        }
