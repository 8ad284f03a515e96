"""DSPy: a tool made of each MCP tool, called as its agents call them."""

from contextlib import asynccontextmanager

import dspy
from driving import drive, remark
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters


@asynccontextmanager
async def toolbox(server):
    stdio = StdioServerParameters(command=server.program, args=server.words) if server.transport == "stdio" else None
    async with Client(stdio or server.url) as client:
        tools, refused = {}, []
        for tool in (await client.list_tools()).tools:
            try:
                tools[tool.name] = dspy.Tool.from_mcp_tool(client, tool)
            except Exception as error:  # noqa: BLE001 - a tool that it refuses is missing, and the trip goes on
                refused.append(f"{tool.name}: {error}")

        if refused:
            remark(f"refuses {len(refused)} tools, such as {refused[0]}")

        async def call(name, arguments):
            return await tools[name].acall(**arguments)

        yield tools, call


drive(toolbox)
