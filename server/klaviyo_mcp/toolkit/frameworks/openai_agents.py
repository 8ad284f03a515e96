"""The OpenAI Agents SDK: function tools for an agent."""

from collections.abc import Iterator, Sequence
from typing import Any

from agents import FunctionTool
from agents.tool_context import ToolContext

from klaviyo_mcp.toolkit.tool import Tool


def function_tools(tools: Sequence[Tool]) -> Iterator[FunctionTool]:
    """For `Agent(tools=…)`. Strict schemas would require every optional argument."""
    for tool in tools:
        yield _tool(tool)


def _tool(tool: Tool) -> FunctionTool:
    async def run(_context: ToolContext[Any], arguments: str) -> str:
        return (await tool.runs.awaited(arguments)).text

    return FunctionTool(tool.name, tool.description, tool.schema, run, strict_json_schema=False)
