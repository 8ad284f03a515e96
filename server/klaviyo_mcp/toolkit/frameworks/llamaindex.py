"""LlamaIndex: function tools, whose output has the data of an answer as its raw output."""

# pyright: basic, reportMissingImports=false
# It is not among what is installed for development.

from collections.abc import Iterator, Sequence
from typing import Any

from llama_index.core.tools import FunctionTool, ToolMetadata, ToolOutput
from pydantic import BaseModel, ConfigDict

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.toolkit.plain import plain
from klaviyo_mcp.toolkit.tool import Tool


def function_tools(tools: Sequence[Tool]) -> Iterator[FunctionTool]:
    """For agents and `predict_and_call`."""
    for tool in tools:
        yield _tool(tool)


def _tool(tool: Tool) -> FunctionTool:
    async def run(**arguments: Any) -> tuple[JSON, Response]:
        return arguments, await tool.runs.awaited(arguments)

    def run_now(**arguments: Any) -> tuple[JSON, Response]:
        return arguments, tool.runs.now(arguments)

    def output(made: tuple[JSON, Response]) -> ToolOutput:
        arguments, response = made
        return ToolOutput(
            tool_name=tool.name,
            content=response.text,
            raw_input={"args": (), "kwargs": arguments},
            raw_output=plain(response.answer.data),
            is_error=response.is_error,
        )

    async def awaited_output(made: tuple[JSON, Response]) -> ToolOutput:
        return output(made)

    metadata = ToolMetadata(tool.description, tool.name, fn_schema=_model(tool))
    return FunctionTool(
        # Without it LlamaIndex would run the other one on a loop of its own, where our connections are not.
        fn=run_now,
        async_fn=run,
        metadata=metadata,
        callback=output,
        async_callback=awaited_output,
    )


def _model(tool: Tool) -> type[BaseModel]:
    """A model that says our schema as it is, and takes what it is given: arguments are checked by the call."""

    class Arguments(BaseModel):
        model_config = ConfigDict(extra="allow")

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> JSON:
            return tool.schema

    return type(tool.name, (Arguments,), {"__doc__": tool.description})
