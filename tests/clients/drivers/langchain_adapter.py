"""langchain-mcp-adapters: LangChain tools, invoked with a tool call as an agent's tool node does."""

from contextlib import asynccontextmanager

from driving import drive
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        connection = {"transport": "stdio", "command": server.program, "args": server.words}
    else:
        connection = {"transport": "streamable_http", "url": server.url}
    async with MultiServerMCPClient({"klaviyo": connection}).session("klaviyo") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(name, arguments):
            message = await tools[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
            return message.text

        yield tools, call


drive(toolbox)
