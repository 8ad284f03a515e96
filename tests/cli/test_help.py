"""Help is of use: every command has an example that it understands, and that is true where it can be tried."""

import re
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from tests.cli.lines import run_line
from typer.testing import CliRunner

from klaviyo_mcp.cli.main import app, load
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

load([])
EDITOR_LOADED = "prompt_toolkit" in sys.modules
ROOT: Any = typer.main.get_command(app)
EXAMPLE = re.compile(r"Example: (.+?)(?:\. [A-Z]|$)", re.DOTALL)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """All commands and groups of them, by what is typed."""
    yield " ".join(path), command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


COMMANDS = dict(commands(ROOT))
RUN = ("", "call", "shell", "actions search", "accounts", "jobs list")
"""Commands whose example is run as it stands. Others serve, wait for a person, or need files and accounts; those of
`actions`, `completion` and of exports are run for the pages that show them."""


def example_of(path: str) -> str:
    found = EXAMPLE.search(COMMANDS[path].epilog or "")
    assert found, f"{path or 'klaviyo-mcp'} has no example in its help"
    return found[1]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_an_example_that_it_understands_and_reads_well_in_80_columns(path: str) -> None:
    words = shlex.split(example_of(path).rpartition("| ")[2])
    assert words[0] == "klaviyo-mcp"
    assert " ".join(words[1:]).startswith(path)
    shown = CliRunner().invoke(app, [*words[1:], "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert shown.exit_code == 0, shown.output
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert not re.search(r"\w…\s*│", shown.stdout), "something was cut"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    home = str(tmp_path_factory.mktemp("home"))
    with serve(create_app(rate_limits=False, profiles=20)) as url:
        yield {
            "KLAVIYO_BASE_URL": url,
            "KLAVIYO_API_KEY": API_KEY,
            "KLAVIYO_COMPANY_ID": COMPANY_ID,
            "KLAVIYO_MCP_HOME": home,
        }


@pytest.mark.parametrize("path", RUN)
def test_an_example_does_what_it_says(command, account: dict[str, str], path: str) -> None:
    done = run_line(command, example_of(path), **account)
    assert done.returncode == 0, done.stderr
    assert done.stdout or path == "jobs list"


def test_no_command_loads_the_shell_s_editor_before_it_is_needed() -> None:
    assert not EDITOR_LOADED
