"""NVIDIA's NeMo Agent Toolkit: a function for each MCP tool, with a model of its arguments."""

from contextlib import asynccontextmanager

from driving import drive
from nat.plugins.mcp.client.client_base import MCPStdioClient, MCPStreamableHTTPClient
from nat.plugins.mcp.client.client_impl import mcp_per_user_tool_function


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        client = MCPStdioClient(server.program, server.words)
    else:
        client = MCPStreamableHTTPClient(server.url)
    async with client:
        tools = await client.get_tools()

        async def call(name, arguments):
            function = mcp_per_user_tool_function(tools[name], client)
            return await function.single_fn(tools[name].input_schema.model_validate(arguments))

        yield tools, call


drive(toolbox)
