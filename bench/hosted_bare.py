"""The thing the hosted service is compared with: a bare SDK server that looks tokens up and passes a request on.

Its one tool makes the request that get_lists makes, with the upstream token of whoever calls. It limits, paces, seals
and shapes nothing: `python hosted_bare.py PORT TOKENS` with a JSON file of hashes of tokens and upstream tokens.
"""

import json
import os
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import mcp.types as t
import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
HTTP = httpx2.AsyncClient(base_url=os.environ["KLAVIYO_BASE_URL"], timeout=60)
TOKENS: dict[str, str] = json.loads(Path(sys.argv[2]).read_text())
OPEN_TILL = int(time.time()) + 86_400


class Verifier:
    """Knows tokens by their hashes."""

    async def verify_token(self, token: str) -> AccessToken | None:
        upstream = TOKENS.get(sha256(token.encode()).hexdigest())
        return AccessToken(token=upstream, client_id="bench", scopes=[], expires_at=OPEN_TILL) if upstream else None


async def list_tools(
    _context: ServerRequestContext[Any], _params: t.PaginatedRequestParams | None
) -> t.ListToolsResult:
    return t.ListToolsResult(tools=[t.Tool(name="get_lists", description="Lists.", input_schema=SCHEMA)])


async def call_tool(_context: ServerRequestContext[Any], _params: t.CallToolRequestParams) -> t.CallToolResult:
    token = get_access_token()
    assert token is not None
    headers = {
        "Authorization": f"Bearer {token.token}",
        "revision": "2026-07-15",
        "Accept": "application/vnd.api+json",
    }
    response = await HTTP.get("/api/lists", params={"page[size]": 10}, headers=headers)
    data = response.json()
    return t.CallToolResult(content=[t.TextContent(text=json.dumps(data))], structured_content=data)


if __name__ == "__main__":
    port = int(sys.argv[1])
    url = AnyHttpUrl(f"http://127.0.0.1:{port}")
    server: Server[Any] = Server(
        "bare",
        version="0",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: SCHEMA if name == "get_lists" else None,
    )
    auth = AuthSettings(issuer_url=url, resource_server_url=url, validate_token_resource=False)
    app = server.streamable_http_app(json_response=True, stateless_http=True, auth=auth, token_verifier=Verifier())
    uvicorn.run(app, port=port, log_level="warning", access_log=False)
