"""Google's Agent Development Kit: the tools of a toolset, each with its declaration for the model."""

import json
from contextlib import asynccontextmanager

from driving import drive
from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.sessions import InMemorySessionService
from google.adk.tools import ToolContext
from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams, StreamableHTTPConnectionParams
from mcp import StdioServerParameters


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        parameters = StdioServerParameters(command=server.program, args=server.words)
        # It gives up after five seconds, in which a busy machine does not answer a first call.
        toolset = McpToolset(connection_params=StdioConnectionParams(server_params=parameters, timeout=60))
    else:
        toolset = McpToolset(connection_params=StreamableHTTPConnectionParams(url=server.url))
    sessions = InMemorySessionService()
    context = ToolContext(
        InvocationContext(
            session_service=sessions,
            invocation_id="trip",
            agent=LlmAgent(name="trip"),
            session=await sessions.create_session(app_name="trip", user_id="trip"),
        )
    )
    tools = {tool.name: tool for tool in await toolset.get_tools() if tool._get_declaration()}

    async def call(name, arguments):
        result = await tools[name].run_async(args=arguments, tool_context=context)
        return "\n".join(part["text"] for part in result["content"]) if "content" in result else json.dumps(result)

    yield tools, call
    await toolset.close()


drive(toolbox)
