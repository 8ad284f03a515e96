"""`klaviyo-mcp install` as its user runs it, in a home of its own."""

import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from typer.testing import CliRunner

from klaviyo_mcp.cli.install import app
from klaviyo_mcp.installing.clients import clients
from klaviyo_mcp.installing.files import ClientFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="where files are is that of Linux")
KEY = "pk_" + "0" * 34
CURSOR = '{\r\n  "mcpServers": { "other": {"command": "y", "env": {"API_TOKEN": "t0psecret"}} } // mine\r\n}\r\n'


@pytest.fixture
def install(tmp_path: Path):
    home = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": "",
        "CODEX_HOME": "",
        "KLAVIYO_MCP_HOME": str(tmp_path / "accounts"),
    }
    return lambda *words, **more: CliRunner(env={**home, **more}).invoke(app, words)


def test_it_is_added_shown_kept_and_taken_out_again(install, tmp_path: Path) -> None:
    file = tmp_path / ".cursor/mcp.json"
    target = tmp_path / "dotfiles/cursor.json"
    target.parent.mkdir()
    target.write_bytes(CURSOR.encode())
    target.chmod(0o640)
    file.parent.mkdir()
    file.symlink_to(target)

    shown = install("cursor", "--read-only", "--toolsets", "lists,profiles", "--dry-run")
    assert shown.exit_code == 0, shown.stderr
    assert '+    "klaviyo": {' in shown.stdout
    assert "Nothing was written" in shown.stdout
    assert '"API_TOKEN": "…"' in shown.stdout
    assert "t0psecret" not in shown.stdout
    assert target.read_bytes() == CURSOR.encode()

    done = install("cursor", "--read-only", "--toolsets", "lists,profiles")
    assert "No account is connected yet: klaviyo-mcp connect" in done.stdout
    written = target.read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n")
    assert b"// mine" in written
    entry = json.loads(written.replace(b"// mine", b""))["mcpServers"]["klaviyo"]
    assert entry["command"] == sys.executable
    assert entry["args"] == ["-m", "klaviyo_mcp", "serve", "--toolsets", "lists,profiles", "--read-only"]
    assert entry["env"] == {"KLAVIYO_MCP_HOME": str(tmp_path / "accounts")}
    assert file.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    (kept,) = target.parent.glob("*.bak")
    assert kept.read_bytes() == CURSOR.encode()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    again = install("cursor", "--read-only", "--toolsets", "lists,profiles")
    assert "has this server already" in again.stdout
    assert target.read_bytes() == written
    assert install("cursor", "--remove").exit_code == 0
    assert "klaviyo" not in target.read_text()
    assert "has no server named" in install("cursor", "--remove").stdout


async def test_what_is_written_starts_the_server(install, tmp_path: Path) -> None:
    install("claude-desktop", "--sandbox", "--expose", "lists", "--read-only")
    written = json.loads((tmp_path / ".config/Claude/claude_desktop_config.json").read_text())
    entry = written["mcpServers"]["klaviyo"]
    environment = {**os.environ, **entry["env"]}
    server = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment)
    async with Client(server) as client:
        assert "get_lists" in {tool.name for tool in (await client.list_tools()).tools}
        assert (await client.call_tool("get_lists", {})).structured_content["count"] > 1


def test_a_key_is_written_only_where_it_is_asked_for(install, tmp_path: Path) -> None:
    file = tmp_path / ".codex/config.toml"
    install("codex", KLAVIYO_API_KEY=KEY)
    assert "KLAVIYO_API_KEY" not in file.read_text()
    done = install("codex", "--with-key", KLAVIYO_API_KEY=KEY)
    assert tomllib.loads(file.read_text())["mcp_servers"]["klaviyo"]["env"]["KLAVIYO_API_KEY"] == KEY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in done.stdout + done.stderr
    assert "every program that you run can read it" in done.stderr


@pytest.mark.parametrize(
    ("words", "there", "code", "told"),
    [
        (["--remove"], {"url": "https://u:pw@mcp.klaviyo.com/mcp?t=s3"}, 2, "leads to https://mcp.klaviyo.com/mcp."),
        (["--remove", "--url", "https://a.org/mcp"], {"url": "https://a.org/mcp"}, 0, "Wrote"),
        (["--remove", "--replace"], {"url": "https://a.org/mcp"}, 0, "Wrote"),
        (["--remove", "--read-only"], {}, 2, "goes without --read-only"),
        (["--remove"], {"command": "docker", "args": ["run", "klaviyo-mcp:1.2"]}, 0, "Wrote"),
        (["--with-key"], {}, 2, "not an API key"),
        ([], None, 0, "Wrote"),
        ([], {"command": "klaviyo-mcp", "env": None}, 0, "Wrote"),
        ([], 0o444, 2, "is read-only"),
        ([], "fifo", 2, "is no file. Nothing was written"),
        ([], "gone", 2, "does not exist. Nothing was written"),
        ([], b"\xff\xfe{\x00", 2, "Save the file as UTF-8"),
    ],
)
def test_what_is_not_ours_stays(install, tmp_path: Path, words, there, code: int, told: str) -> None:
    file = tmp_path / ".cursor/mcp.json"
    file.parent.mkdir()
    if there == "fifo":
        os.mkfifo(file)
    elif there == "gone":
        file.symlink_to(tmp_path / "gone")
    else:
        entry = {"klaviyo": there} if isinstance(there, dict) and there else None
        file.write_bytes(there if isinstance(there, bytes) else json.dumps({"mcpServers": entry}).encode())
        file.chmod(there if isinstance(there, int) else 0o600)
    done = install("cursor", *words, KLAVIYO_API_KEY="pk_xxx")
    assert done.exit_code == code, done.output
    assert told in " ".join((done.output + str(done.exception)).replace("│", " ").split())
    assert "s3" not in done.output
    assert "pw" not in done.output
    assert len(list(file.parent.glob("*.bak"))) == (code == 0)


@pytest.mark.parametrize(
    "line",
    [
        '"API_TOKEN": "t0p"',
        'token = "t0p"',
        '"https://me:t0p@example.org/mcp"',
        '"https://example.org/mcp?token=t0p"',
        '["--api-key", "t0p"]',
        '"--secret=t0p"',
        '"Authorization: Bearer t0p"',
        '"h": "Bearer t0p"',
    ],
)
def test_a_diff_shows_no_secret_of_another_server(line: str) -> None:
    assert "t0p" not in ClientFile(Path("f"), line.encode()).diff("")


def test_a_project_has_a_file_of_its_own(install, tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        done = install("vscode", "--project", "--uvx", "--sandbox", "--name", "shop")
    finally:
        os.chdir(here)
    assert done.exit_code == 0, done.stderr
    entry = json.loads((tmp_path / ".vscode/mcp.json").read_text())["servers"]["shop"]
    assert entry["args"] == ["klaviyo-mcp", "serve", "--sandbox"]
    assert "No account" not in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["emacs"], 2, "is none of claude-desktop"),
        (["cursor", "--url", "http://example.org/mcp"], 2, "https://mcp.example.org/mcp"),
        (["cursor", "--url", "https://example.org/mcp", "--read-only"], 2, "goes without --read-only"),
        (["cursor", "--toolsets", "lsts"], 1, "did you mean 'lists'?"),
        (["cursor", "--name", "a b"], 2, "letters, digits"),
        (["cursor", "--project", "--with-key"], 2, "shared with others"),
        (["windsurf", "--project"], 2, "no file for a project"),
        (["gemini"], 2, "settings.json, line 2: Expecting ',' delimiter"),
        (["--remove"], 2, "name the client that --remove is for"),
        (["chatgpt"], 0, "docs/hosting.md"),
        (["chatgpt", "--url", "https://example.org/mcp"], 0, "the address https://example.org/mcp"),
        ([], 0, "told by hand"),
    ],
)
def test_what_is_told(install, tmp_path: Path, words: list[str], code: int, told: str) -> None:
    broken = tmp_path / ".gemini/settings.json"
    broken.parent.mkdir()
    broken.write_text('{"a": 1\n"b": 2}')
    done = install(*words)
    assert done.exit_code == code
    assert told in " ".join((done.output + str(done.exception)).replace("│", " ").split())
    assert broken.read_text() == '{"a": 1\n"b": 2}'
    assert [path.name for path in tmp_path.rglob("*.json")] == ["settings.json"]


def test_the_list_names_every_client(command, tmp_path: Path) -> None:
    listed = command("install", HOME=str(tmp_path)).stdout
    assert all(client.id in listed for client in clients())
