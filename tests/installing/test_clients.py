"""Every client of the table, on every system: where its file is, what is written there, and that all else stays."""

import json
import tomllib
from pathlib import Path

import pytest

from klaviyo_mcp.installing.clients import Client, Machine, client_named, clients
from klaviyo_mcp.installing.entries import Server, put, take_out, text_of
from klaviyo_mcp.installing.errors import NotInstalled, Unreadable

WITH_FILES = [client for client in clients() if client.form]
SERVER = Server("klaviyo", ["/opt/klaviyo-mcp", "serve", "--read-only"], {"KLAVIYO_MCP_HOME": "/data"})
HOSTED = Server("klaviyo", url="https://mcp.example.org/mcp")
ids = [client.id for client in WITH_FILES]


def before(client: Client) -> str:
    """A file with a server of somebody else's in it."""
    if client.form == "toml":
        return '# mine\nmodel = "x" # why\n\n[mcp_servers.other]\ncommand = "y"\n'
    comment = "  // mine\n" if client.form == "jsonc" else ""
    inside = json.dumps({"other": {"command": "y"}})
    return f'{{\n{comment}  "theme": "dark",\n  "{client.place[0]}": {inside}\n}}\n'


def servers(client: Client, text: str) -> dict:
    read = tomllib.loads(text) if client.form == "toml" else json.loads(text.replace("  // mine\n", ""))
    return read[client.place[0]]


@pytest.mark.parametrize("client", WITH_FILES, ids=ids)
def test_a_server_is_added_changed_and_taken_out(client: Client) -> None:
    text = text_of(client, before(client))
    put(text, client, SERVER, replace=False)
    assert servers(client, text.text) == {"other": {"command": "y"}, "klaviyo": SERVER.entry(client)}
    assert client.form == "json" or "mine" in text.text
    once = text.text
    put(text, client, SERVER, replace=False)
    assert text.text == once, "twice changes nothing"

    text.set((*client.place, "klaviyo", "timeout"), 99)
    moved = Server("klaviyo", ["/elsewhere/klaviyo-mcp.exe", "serve"])
    put(text, client, moved, replace=False)
    kept = {key: value for key, value in (SERVER.entry(client) or {}).items() if key in ("env", "environment")}
    assert servers(client, text.text)["klaviyo"] == {**(moved.entry(client) or {}), **kept, "timeout": 99}

    assert take_out(text, client, "klaviyo", replace=False)
    assert servers(client, text.text) == {"other": {"command": "y"}}
    assert not take_out(text, client, "klaviyo", replace=False)


@pytest.mark.parametrize("client", [one for one in WITH_FILES if one.http], ids=lambda one: one.id)
def test_a_hosted_server_takes_the_place_of_a_local_one(client: Client) -> None:
    text = text_of(client, "")
    put(text, client, SERVER, replace=False)
    put(text, client, HOSTED, replace=False)
    assert servers(client, text.text) == {"klaviyo": HOSTED.entry(client)}
    assert HOSTED.url in text.text
    put(text, client, HOSTED, replace=False)
    with pytest.raises(NotInstalled, match="--replace"):
        put(text, client, SERVER, replace=False)
    put(text, client, SERVER, replace=True)
    assert servers(client, text.text) == {"klaviyo": SERVER.entry(client)}


@pytest.mark.parametrize("client", WITH_FILES, ids=ids)
def test_a_server_of_another_program_is_left_alone(client: Client) -> None:
    text = text_of(client, "")
    text.set((*client.place, "klaviyo"), {"command": "uvx", "args": ["klaviyo-mcp-server@latest"]})
    found = text.text
    for change in (put, take_out):
        with pytest.raises(NotInstalled, match="does not start this program"):
            change(text, client, SERVER if change is put else "klaviyo", replace=False)
    assert text.text == found


@pytest.mark.parametrize("client", WITH_FILES, ids=ids)
def test_a_broken_file_is_refused(client: Client) -> None:
    with pytest.raises(Unreadable) as refused:
        text_of(client, "a = 1\nb = = 2\n" if client.form == "toml" else '{\n  "a" 1\n}')
    assert refused.value.line == 2


HOMES = {
    "macos": (Machine("macos", {}, Path("/Users/ann")), "/Users/ann/"),
    "windows": (Machine("windows", {"APPDATA": "/C/Roaming"}, Path("/C/ann")), "/C/"),
    "linux": (Machine("linux", {}, Path("/home/ann")), "/home/ann/"),
}


@pytest.mark.parametrize("system", HOMES)
@pytest.mark.parametrize("client", WITH_FILES, ids=ids)
def test_every_client_has_a_file_on_every_system(client: Client, system: str) -> None:
    machine, home = HOMES[system]
    assert str(machine.file_of(client)).startswith(home)


@pytest.mark.parametrize(
    ("client", "system", "environ", "path"),
    [
        ("claude-desktop", "macos", {}, "~/Library/Application Support/Claude/claude_desktop_config.json"),
        ("claude-desktop", "windows", {}, "~/AppData/Roaming/Claude/claude_desktop_config.json"),
        ("claude-desktop", "windows", {"APPDATA": "/R"}, "/R/Claude/claude_desktop_config.json"),
        ("vscode", "linux", {"XDG_CONFIG_HOME": "/c"}, "/c/Code/User/mcp.json"),
        ("codex", "linux", {"CODEX_HOME": "/codex"}, "/codex/config.toml"),
        ("claude-code", "macos", {}, "~/.claude.json"),
        ("gemini", "windows", {}, "~/.gemini/settings.json"),
        ("windsurf", "macos", {}, "~/.codeium/windsurf/mcp_config.json"),
        ("cursor", "linux", {}, "~/.cursor/mcp.json"),
        ("zed", "macos", {}, "~/.config/zed/settings.json"),
    ],
)
def test_where_files_are(client: str, system, environ: dict[str, str], path: str) -> None:
    found = client_named(client)
    assert found
    assert str(Machine(system, environ, Path("/home/ann")).file_of(found)) == path.replace("~", "/home/ann")


def test_of_several_files_the_one_that_is_there_is_meant(tmp_path: Path) -> None:
    (tmp_path / ".config/opencode").mkdir(parents=True)
    there = tmp_path / ".config/opencode/opencode.jsonc"
    there.write_text("{}")
    opencode = client_named("opencode")
    assert opencode
    assert Machine("linux", {}, tmp_path).file_of(opencode) == there


@pytest.mark.parametrize("client", clients(), ids=lambda one: one.id)
def test_every_client_is_told_of_both_kinds_of_server(client: Client) -> None:
    for server in (SERVER, HOSTED):
        assert bool(server.entry(client)) != bool(server.steps(client))
        assert "{" not in " ".join(step for step in server.steps(client) if not step.startswith("{"))
    assert not client.form or client.after
