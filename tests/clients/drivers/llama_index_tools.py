"""LlamaIndex: its function tools, called as its agents call them."""

from contextlib import asynccontextmanager

from driving import drive
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        client = BasicMCPClient(server.program, args=server.words)
    else:
        client = BasicMCPClient(server.url)
    tools = {tool.metadata.name: tool for tool in await McpToolSpec(client).to_tool_list_async()}

    async def call(name, arguments):
        # It opens a connection of its own for each call.
        return (await tools[name].acall(**arguments)).content

    yield tools, call


drive(toolbox)
