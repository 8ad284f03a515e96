"""mcp-use: the LangChain tools that it makes for its agents."""

from contextlib import asynccontextmanager

from driving import drive
from mcp_use import MCPClient
from mcp_use.agents.adapters import LangChainAdapter


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        connection = {"command": server.program, "args": server.words}
    else:
        connection = {"url": server.url}
    client = MCPClient.from_dict({"mcpServers": {"klaviyo": connection}})
    try:
        adapter = LangChainAdapter()
        # As its agents do: of resources and prompts, too, it makes tools.
        await adapter.create_all(client)
        tools = {tool.name: tool for tool in adapter.tools}

        async def call(name, arguments):
            return await tools[name].ainvoke(arguments)

        yield tools, call
    finally:
        await client.close_all_sessions()


drive(toolbox)
