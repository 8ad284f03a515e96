"""CrewAI with the MCP adapter of crewai-tools: every argument that was not given is sent as null."""

from contextlib import asynccontextmanager

from crewai_tools import MCPServerAdapter
from driving import drive
from mcp import StdioServerParameters


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        parameters = StdioServerParameters(command=server.program, args=server.words)
    else:
        parameters = {"url": server.url, "transport": "streamable-http"}
    with MCPServerAdapter(parameters) as listed:
        tools = {tool.name: tool for tool in listed}

        def call(name, arguments):
            return tools[name].run(**arguments)

        yield tools, call


drive(toolbox)
