"""Data of an answer as programs have it."""

import json

from klaviyo_mcp.loose_json import JSON


def plain(data: JSON) -> JSON:
    """Data as it is over MCP: texts of customers are of a class of their own until here."""
    return json.loads(json.dumps(data))
