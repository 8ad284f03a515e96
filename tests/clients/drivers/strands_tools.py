"""Strands Agents: its tools of an MCP server, streamed as its agents run them."""

from contextlib import asynccontextmanager

from driving import drive
from mcp import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from strands.tools.mcp import MCPClient


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        client = MCPClient(lambda: stdio_client(StdioServerParameters(command=server.program, args=server.words)))
    else:
        client = MCPClient(lambda: streamable_http_client(server.url))
    try:
        tools = {tool.tool_name: tool for tool in await client.load_tools()}

        async def call(name, arguments):
            use = {"toolUseId": "1", "name": name, "input": arguments}
            *_, last = [event async for event in tools[name].stream(use, {})]
            return "\n".join(part["text"] for part in last.tool_result["content"] if "text" in part)

        yield tools, call
    finally:
        client.stop(None, None, None)


drive(toolbox)
