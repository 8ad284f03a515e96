"""Google's Agent Development Kit: tools for an agent."""

# pyright: basic, reportMissingImports=false
# It is not among what is installed for development.

from collections.abc import Iterator, Sequence
from typing import Any

from google.adk.tools import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai.types import FunctionDeclaration

from klaviyo_mcp.toolkit.frameworks.google import declaration
from klaviyo_mcp.toolkit.tool import Tool


class KlaviyoTool(BaseTool):
    """One of our tools."""

    def __init__(self, tool: Tool) -> None:
        super().__init__(name=tool.name, description=tool.description)
        self._tool = tool

    def _get_declaration(self) -> FunctionDeclaration:
        return declaration(self._tool)

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> Any:  # noqa: ARG002 - ADK's form
        """The answer, under the key that Google documents for it."""
        response = await self._tool.runs.awaited(args)
        return {"error" if response.is_error else "output": response.text}


def adk_tools(tools: Sequence[Tool]) -> Iterator[KlaviyoTool]:
    """For `Agent(tools=…)`."""
    for tool in tools:
        yield KlaviyoTool(tool)
