"""Google's Gen AI SDK: function declarations, which the program runs with `run_tool_call`."""

from collections.abc import Iterator, Sequence

from google.genai.types import FunctionDeclaration
from google.genai.types import Tool as GoogleTool

from klaviyo_mcp.toolkit.tool import Tool


def declaration(tool: Tool) -> FunctionDeclaration:
    """One tool, its arguments in JSON Schema."""
    return FunctionDeclaration(name=tool.name, description=tool.description, parameters_json_schema=tool.schema)


def declarations(tools: Sequence[Tool]) -> Iterator[GoogleTool]:
    """For `tools` of `GenerateContentConfig`: one Tool with all declarations, as the API wants them."""
    yield GoogleTool(function_declarations=[declaration(tool) for tool in tools])
