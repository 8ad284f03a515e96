"""Anthropic's tool runner: tools that it calls by itself."""

from collections.abc import Iterator, Sequence
from typing import Any

from anthropic import beta_async_tool, beta_tool
from anthropic.lib.tools import ToolError

from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.toolkit.tool import Tool


def runnable_tools(tools: Sequence[Tool]) -> Iterator[object]:
    """For `tools` of `beta.messages.tool_runner`, of the asynchronous client or of the other one."""
    for tool in tools:
        yield _runnable(tool)


def _runnable(tool: Tool) -> object:
    told: Any = {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
    at_once = tool.runs.at_once
    if at_once is not None:

        def run_now(**arguments: Any) -> str:
            return _said(at_once(arguments))

        return beta_tool(run_now, **told)

    async def run(**arguments: Any) -> str:
        return _said(await tool.runs.awaited(arguments))

    return beta_async_tool(run, **told)


def _said(response: Response) -> str:
    if response.is_error:
        raise ToolError(response.text)
    return response.text
