"""Where calls come from: MCP over stdio and HTTP, and the command line. May import every other room."""
