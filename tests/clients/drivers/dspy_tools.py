"""DSPy: a tool made of each MCP tool, called as its agents call them."""

from contextlib import asynccontextmanager

import dspy
from driving import drive
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters


@asynccontextmanager
async def toolbox(server):
    stdio = StdioServerParameters(command=server.program, args=server.words) if server.transport == "stdio" else None
    async with Client(stdio or server.url) as client:
        tools = {}
        for tool in (await client.list_tools()).tools:
            try:
                tools[tool.name] = dspy.Tool.from_mcp_tool(client, tool)
            except Exception as error:  # noqa: BLE001 - a tool that it refuses is missing, and the trip goes on
                refused = f"{tool.name}: {error}"
                print("refused", refused)

        async def call(name, arguments):
            return await tools[name].acall(**arguments)

        yield tools, call


drive(toolbox)
