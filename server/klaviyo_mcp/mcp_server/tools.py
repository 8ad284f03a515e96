"""What `tools/list` answers."""

from typing import TYPE_CHECKING

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.tools.listing import ToolList

if TYPE_CHECKING:
    import mcp.types as types


class Listing(ToolList["types.ListToolsResult"]):
    """The tools as an MCP server lists them."""

    def make(self, tools: list[JSON]) -> "types.ListToolsResult":
        """The answer that holds them."""
        from mcp.types import ListToolsResult  # a server over stdio lists its tools before that is there

        return ListToolsResult.model_validate({"tools": tools})
