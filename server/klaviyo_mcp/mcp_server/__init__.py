"""Actions as MCP tools: the server, and its transports."""
