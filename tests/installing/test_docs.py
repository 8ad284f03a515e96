"""docs/install.md: its snippets are what clients read, and its commands exist."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer.main

from klaviyo_mcp.cli.install import app
from klaviyo_mcp.installing.clients import client_named, clients
from klaviyo_mcp.installing.docs import with_clients

PAGE = (Path(__file__).parents[2] / "docs" / "install.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
SNIPPETS = [(language, text) for language, text in BLOCKS if language in ("json", "toml")]


@pytest.mark.parametrize(("language", "text"), SNIPPETS)
def test_a_snippet_starts_this_program_or_leads_to_a_hosted_one(language: str, text: str) -> None:
    (servers,) = (json.loads if language == "json" else tomllib.loads)(text).values()
    entry = servers["klaviyo"]
    command = entry.get("command")
    words = command if isinstance(command, list) else [command, *entry.get("args", [])]
    assert words == ["uvx", "klaviyo-mcp", "serve"] or "https://mcp.example.org/mcp" in entry.values()


def test_every_client_and_flag_it_names_exists() -> None:
    options = {name for one in typer.main.get_command(app).params for name in one.opts}
    lines = [line for _, text in BLOCKS for line in text.splitlines() if line.startswith("klaviyo-mcp install ")]
    for line in lines:
        client, *flags = shlex.split(line, comments=True)[2:] or ["cursor"]
        assert client_named(client), line
        assert {flag for flag in flags if flag.startswith("--")} <= options
    paragraph = PAGE.partition("## Tell your client")[2].partition("\n## ")[0]
    assert set(re.findall(r"--[a-z-]+", paragraph)) <= options


def test_it_has_every_client() -> None:
    assert all(f"### {client.name}\n" in PAGE for client in clients())
    with pytest.raises(ValueError, match="lost the marks"):
        with_clients("# Install\n")
