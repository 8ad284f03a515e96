"""How MCP clients are told of this server: a table of clients, and changes to their files that keep everything else."""
