"""The page that clients with MCP Apps show for the result of a report: its names, which listing tells."""

EXTENSION = "io.modelcontextprotocol/ui"
APP_MIME_TYPE = "text/html;profile=mcp-app"
URI = "ui://klaviyo/report"
CAPABILITY = {EXTENSION: {"mimeTypes": [APP_MIME_TYPE]}}
"""What a server says of itself, and a client too."""
