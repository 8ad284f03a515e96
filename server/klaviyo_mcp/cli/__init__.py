"""The command line: `klaviyo-mcp`."""
