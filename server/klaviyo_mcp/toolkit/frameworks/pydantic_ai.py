"""Pydantic AI: tools for an agent or a toolset, whose return has the data of an answer as its metadata."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_ai import Tool as PydanticAITool
from pydantic_ai import ToolReturn
from pydantic_ai.exceptions import ToolFailed

from klaviyo_mcp.toolkit.plain import plain
from klaviyo_mcp.toolkit.tool import Tool


def tools(tools: Sequence[Tool]) -> Iterator[PydanticAITool[Any]]:
    """For `Agent(tools=…)` and `FunctionToolset(…)`. What changes something runs alone, in the model's order."""
    for tool in tools:
        yield _tool(tool)


def _tool(tool: Tool) -> PydanticAITool[Any]:
    async def run(**arguments: Any) -> ToolReturn[Any]:
        response = await tool.runs.awaited(arguments)
        if response.is_error:
            # Our text says what to do next; a retry prompt of the framework's own would say it twice, and end the run.
            raise ToolFailed(response.text)
        return ToolReturn(return_value=response.text, metadata=plain(response.answer.data))

    return PydanticAITool[Any].from_schema(
        run, tool.name, tool.description, tool.schema, sequential=not tool.hints.get("readOnlyHint", False)
    )
