"""How clients are told of the service: each form as its client reads it."""

import base64
import json
import tomllib
from urllib.parse import parse_qsl, urlsplit

import pytest

from klaviyo_mcp.hosted.snippets import Snippet, snippets

URL = "https://mcp.example.org/mcp"
BY_CLIENT = {snippet.client: snippet for snippet in snippets(URL)}


def link(client: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(BY_CLIENT[client].link)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


def test_claude_is_opened_with_the_connector_filled_in() -> None:
    place, given = link("Claude")
    assert place == "https://claude.ai/customize/connectors"
    assert given == {"modal": "add-custom-connector", "connectorName": "Klaviyo", "connectorUrl": URL}


def test_cursor_takes_base64_of_the_server() -> None:
    place, given = link("Cursor")
    assert place == "https://cursor.com/en/install-mcp"
    assert given["name"] == "klaviyo"
    assert json.loads(base64.b64decode(given["config"], validate=True)) == {"url": URL}
    assert not {"+", "/", "="} & set(BY_CLIENT["Cursor"].link.rpartition("config=")[2]), "a query would change them"


def test_vs_code_takes_the_name_beside_the_server_or_in_it() -> None:
    place, given = link("VS Code")
    assert place == "https://insiders.vscode.dev/redirect/mcp/install"
    assert given["name"] == "klaviyo"
    assert json.loads(given["config"]) == {"type": "http", "url": URL}
    words = BY_CLIENT["VS Code"].command
    assert words.startswith("code --add-mcp '")
    assert json.loads(words.partition("'")[2].rstrip("'")) == {"name": "klaviyo", "type": "http", "url": URL}


@pytest.mark.parametrize(
    ("client", "command"),
    [
        ("Claude Code", f"claude mcp add --transport http klaviyo {URL}"),
        ("Codex", f"codex mcp add klaviyo --url {URL}\ncodex mcp login klaviyo"),
        ("Gemini CLI", f"gemini mcp add --transport http klaviyo {URL}"),
    ],
)
def test_commands(client: str, command: str) -> None:
    assert BY_CLIENT[client].command == command


@pytest.mark.parametrize(
    ("client", "file", "content"),
    [
        ("Cursor", "~/.cursor/mcp.json", {"mcpServers": {"klaviyo": {"url": URL}}}),
        ("VS Code", ".vscode/mcp.json", {"servers": {"klaviyo": {"type": "http", "url": URL}}}),
        ("Codex", "~/.codex/config.toml", {"mcp_servers": {"klaviyo": {"url": URL}}}),
        ("Gemini CLI", "~/.gemini/settings.json", {"mcpServers": {"klaviyo": {"httpUrl": URL}}}),
        ("Antigravity", "~/.gemini/config/mcp_config.json", {"mcpServers": {"klaviyo": {"serverUrl": URL}}}),
        ("Windsurf", "mcp_config.json", {"mcpServers": {"klaviyo": {"serverUrl": URL}}}),
    ],
)
def test_files(client: str, file: str, content: dict[str, object]) -> None:
    snippet = BY_CLIENT[client]
    assert snippet.file == file
    read = tomllib.loads if file.endswith(".toml") else json.loads
    assert read(snippet.lines) == content


@pytest.mark.parametrize("snippet", BY_CLIENT.values(), ids=BY_CLIENT)
def test_every_client_is_told_something(snippet: Snippet) -> None:
    assert snippet.link or snippet.command or snippet.lines or snippet.steps
    assert bool(snippet.file) == bool(snippet.lines)
