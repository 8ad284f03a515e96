"""FastMCP's client, configured as its users do."""

from contextlib import asynccontextmanager

from driving import drive
from fastmcp import Client
from fastmcp.client.transports import StdioTransport


@asynccontextmanager
async def toolbox(server):
    stdio = StdioTransport(server.program, server.words) if server.transport == "stdio" else None
    async with Client(stdio or server.url) as client:
        names = [tool.name for tool in await client.list_tools()]

        async def call(name, arguments):
            return (await client.call_tool(name, arguments)).content[0].text

        yield names, call


drive(toolbox)
