"""Completion as a shell has it: by its own script, quickly, never an error, never a request."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from tests.warm import COLD

from klaviyo_mcp.cli.completing import VARIABLE, WORDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shells of POSIX")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two accounts, a list that was seen, and a program of this name on the path."""
    folder = tmp_path_factory.mktemp("home")
    accounts = folder / "vault" / "accounts"
    accounts.mkdir(parents=True)
    for name in ("juniper-pine", "lumen-coffee"):
        (accounts / f"{name}.json").write_text("{}")
    (folder / "lately.json").write_text(json.dumps({"": {"list": {"TQVhRF": "VIP customers"}}}))
    program = folder / "bin" / "klaviyo-mcp"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(COLD)} "$@"\n')
    program.chmod(0o755)
    asked(folder, "")  # makes the index
    return folder


def asked(home, *words: str) -> list[tuple[str, str]]:
    """What is offered for the last of the words, with what is told of it."""
    environment = {
        **os.environ,
        "KLAVIYO_MCP_HOME": str(home),
        VARIABLE: "fish",
        WORDS: "\n".join(["klaviyo-mcp", *words]),
    }
    done = subprocess.run(COLD, capture_output=True, text=True, env=environment, check=True)
    assert done.stderr == ""
    return [(word, told) for word, _, told in (line.partition("\t") for line in done.stdout.splitlines())]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ca",), "call"),
        (("jobs", "re"), "retry-failed"),
        (("call", "get_lis"), "get_lists"),
        (("call", "tag_group"), "create_tag_group"),
        (("actions", "show", "create_li"), "create_list"),
        (("call", "create_list", "--set", "n"), "name="),
        (("call", "create_list", "--set", "name=x", "--set", "opt_in_process="), "opt_in_process=double_opt_in"),
        (("call", "get_list", "--set", "id="), "id=TQVhRF"),
        (("call", "get_lists", "--out"), "--output"),
        (("call", "get_lists", "--output", ""), "csv"),
        (("call", "get_lists", "--output=c"), "--output=csv"),
        (("call", "get_lists", "--account", "lum"), "lumen-coffee"),
        (("accounts", "default", ""), "juniper-pine"),
        (("disconnect", ""), "juniper-pine"),
        (("actions", "list", "--toolset", "lists,pro"), "lists,profiles"),
        (("serve", "--toolsets", "lists,pro"), "lists,profiles"),
        (("import", "subscribe-e"), "subscribe-email"),
        (("export", "list-m"), "list-members"),
        (("completion", ""), "fish"),
    ],
)
def test_it_offers_what_there_is(home, words, offered) -> None:
    assert offered in dict(asked(home, *words))


def test_the_ids_of_companies_are_no_names_of_accounts(home) -> None:
    assert asked(home, "hosted", "grants", "--account", "") == []


@pytest.mark.parametrize(
    "words", [("call", "nothing", "--set", "x="), ("nothing", ""), ("jobs", "show", ""), ("call",)]
)
def test_where_there_is_nothing_it_is_silent(home, words) -> None:
    asked(home, *words)


def test_it_says_what_things_are(home) -> None:
    assert dict(asked(home, "call", "get_list", "--set", "id="))["id=TQVhRF"] == "VIP customers"
    assert "required" in dict(asked(home, "call", "create_list", "--set", ""))["name="]


def test_it_loads_next_to_nothing(home) -> None:
    look = "import sys; from klaviyo_mcp.cli.completing import main; main(); print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "KLAVIYO_MCP_HOME": str(home), VARIABLE: "bash", WORDS: "klaviyo-mcp\ncall\nget_lis"}
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, env=environment, check=True)
    assert "get_lists" in done.stdout.splitlines()
    loaded = set(done.stderr.split())
    assert not loaded & {"typer", "pydantic", "rich", "asyncio", "httpx2", "sqlite3", "yaml"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_takes_its_script(command, home, shell: str) -> None:
    script = command("completion", shell).stdout
    assert VARIABLE in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    checked = [shell, "--no-execute" if shell == "fish" else "-n"]
    assert subprocess.run(checked, input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("line", "offered", "no_space"),
    [
        ("klaviyo-mcp call get_lis", "get_lists", False),
        ("klaviyo-mcp call create_list --set na", "name=", True),
        ("klaviyo-mcp call create_list --set opt_in_process=dou", "double_opt_in", False),
    ],
)
def test_bash_completes_by_the_script(command, home, line: str, offered: str, no_space: bool) -> None:
    test = f"""{command("completion", "bash").stdout}
    compopt() {{ echo "no space"; }}
    COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; _klaviyo_mcp klaviyo-mcp; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "KLAVIYO_MCP_HOME": str(home), "PATH": path}
    done = subprocess.run(["bash", "-c", test], capture_output=True, text=True, env=environment, check=True)
    assert offered in done.stdout.splitlines()
    assert ("no space" in done.stdout) is no_space


def test_it_is_installed_where_the_shell_looks(command, tmp_path) -> None:
    done = command("completion", "fish", "--install", XDG_CONFIG_HOME=str(tmp_path), program=COLD)
    assert done.returncode == 0
    assert (tmp_path / "fish" / "completions" / "klaviyo-mcp.fish").is_file()
