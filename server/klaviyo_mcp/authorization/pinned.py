"""What well-known clients say of themselves in their documents, for when these cannot be fetched.

Some of their hosts refuse addresses of data centres. Seen in autumn 2026; a document that can be fetched wins.
"""

from klaviyo_mcp.loose_json import JSON

_LOOPBACKS = ["http://localhost/callback", "http://127.0.0.1/callback"]


def _document(url: str, name: str, redirect_uris: list[str], **more: object) -> JSON:
    return {"client_id": url, "client_name": name, "redirect_uris": redirect_uris, **more}


PINNED: dict[str, JSON] = {
    document["client_id"]: document
    for document in (
        _document(
            "https://claude.ai/oauth/mcp-oauth-client-metadata", "Claude", ["https://claude.ai/api/mcp/auth_callback"]
        ),
        _document("https://claude.ai/oauth/claude-code-client-metadata", "Claude Code", _LOOPBACKS),
        _document(
            "https://chatgpt.com/oauth/client.json",
            "ChatGPT",
            ["https://chatgpt.com/connector_platform_oauth_redirect"],
            token_endpoint_auth_method="private_key_jwt",  # noqa: S106 - the name of a method
            token_endpoint_auth_methods_supported=["none", "private_key_jwt"],
            jwks_uri="https://chatgpt.com/oauth/jwks.json",
        ),
        _document("https://chatgpt.com/oauth/codex/client.json", "Codex", ["http://127.0.0.1/callback"]),
        _document(
            "https://vscode.dev/oauth/client-metadata.json",
            "Visual Studio Code",
            [
                *("http://127.0.0.1/", "http://127.0.0.1:33418/"),
                *("https://vscode.dev/redirect", "https://insiders.vscode.dev/redirect"),
            ],
        ),
    )
}
