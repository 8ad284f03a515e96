"""LangChain and LangGraph: structured tools, whose message has the data of an answer as its artifact."""

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.tools import StructuredTool, ToolException

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.toolkit.plain import plain
from klaviyo_mcp.toolkit.tool import Tool


def structured_tools(tools: Sequence[Tool]) -> Iterator[StructuredTool]:
    """For agents and `bind_tools`. A failed call is a message with the status `error`."""
    for tool in tools:
        yield _structured(tool)


def _structured(tool: Tool) -> StructuredTool:
    async def run(**arguments: Any) -> tuple[str, JSON]:
        return _said(await tool.runs.awaited(arguments))

    def run_now(**arguments: Any) -> tuple[str, JSON]:
        return _said(tool.runs.now(arguments))

    return StructuredTool.from_function(
        func=run_now,
        coroutine=run,
        name=tool.name,
        description=tool.description,
        args_schema=tool.schema,
        infer_schema=False,
        response_format="content_and_artifact",
        handle_tool_error=True,
        metadata=tool.hints,
    )


def _said(response: Response) -> tuple[str, JSON]:
    if response.is_error:
        raise ToolException(response.text)
    return response.text, plain(response.answer.data)
