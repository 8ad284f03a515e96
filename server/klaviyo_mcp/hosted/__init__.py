"""One server for many companies: people connect their shop in a browser, MCP clients by OAuth."""
