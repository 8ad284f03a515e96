"""Running the MCP server over stdio, for one client on this machine."""

from typing import Any

from mcp.server import NotificationOptions, Server


async def serve_stdio(server: Server[Any]) -> None:
    """Serve until the client closes stdin. stdout carries nothing but the protocol."""
    from mcp.server.stdio import stdio_server  # each transport loads its own

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options(NotificationOptions()))
