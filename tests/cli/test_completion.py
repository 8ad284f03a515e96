"""Completion as a shell has it: by its own script, quickly, never an error, never a request."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from tests.warm import COLD

from klaviyo_mcp.cli.completing import FILES, VARIABLE, WORDS

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
        VARIABLE: "zsh",
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
        (("install", "cl"), "claude-desktop"),
        (("serve", "--transport", ""), "http"),
        (("serve", "--expose", "co"), "core"),
        (("serve", "--expose", "lists,pro"), "lists,profiles"),
        (("serve", "--exclude", "get_lists,delete_li"), "get_lists,delete_list"),
        (("connect", "--scopes", ""), "marketing"),
        (("actions", "show", "guide:se"), "guide:segments"),
        (("actions", "show", "create_profile", "--path", "loc"), "location"),
        (("call", "get_lists", "--fields", "id,na"), "id,name"),
        (("call", "get_list", "--set", "id=name:V"), "id=name:VIP customers"),
        (("import", "list-add", "x.csv", "--list", ""), "TQVhRF"),
        (("import", "list-add", "x.csv", "--option", "list="), "list=TQVhRF"),
        (("import", "profiles", "x.csv", "--zone", "europe/b"), "Europe/Berlin"),
        (("import", "profiles", "x.csv", "--dates", ""), "day-first"),
        (("import", "profiles", ""), FILES),
        (("export", "profiles", "--output", "x"), FILES),
        (("report", "weekly", "--html=x"), FILES),
        (("report", "weekly", "--period", "last_3"), "last_30_days"),
    ],
)
def test_it_offers_what_there_is(home, words, offered) -> None:
    assert offered in dict(asked(home, *words))


@pytest.mark.parametrize(
    "words",
    [
        ("hosted", "grants", "--account", ""),  # ids of companies, which are no names of accounts
        ("install", "--name", ""),
        ("install", "cursor", "--url", ""),
        ("import", "profiles", "x.csv", "--map", ""),
    ],
)
def test_where_nothing_can_be_known_it_offers_nothing(home, words) -> None:
    assert asked(home, *words) == []


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
    environment = {**os.environ, "KLAVIYO_MCP_HOME": str(home), VARIABLE: "bash", WORDS: "klaviyo-mcp call get_lis"}
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


LINES = [
    ("call create_tag_gr", "create_tag_group "),
    ("call create_list --set na", "name="),
    ("call get_list --set id=TQ", "id=TQVhRF "),
    ("call get_list --set id=name:VI", "id=name:VIP\\ customers "),
    ("call get_list --set 'id=name:VI", "'id=name:VIP customers' "),
    ("call get_list --set id=name:VIP\\ c", "id=name:VIP\\ customers "),
    ("serve --expose=cor", "--expose=core "),
    ("report weekly --html pa", "--html page.html "),
    ("report weekly --html=pa", "--html=page.html "),
    ("call create_template --set html=@pa", "html=@page.html "),
    ("import profiles my", "profiles my\\ file.csv "),
]
"""What is typed before TAB, and what the line ends with then, in bash and zsh."""
BEGIN = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
}
LOAD = {
    "bash": "bind 'set enable-bracketed-paste off'",
    "zsh": "unsetopt prompt_sp; autoload -Uz compinit; compinit -D -u",
}


@pytest.fixture(scope="module")
def shell_home(home):
    """Variables of a shell that begins in a folder with two files."""
    folder = home / "work"
    folder.mkdir()
    (folder / "page.html").touch()
    (folder / "my file.csv").touch()
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"KLAVIYO_MCP_HOME": str(home), "HOME": str(folder), "PATH": path, "PS1": "> "}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_line_is_completed_as_its_shell_has_it(shell_home, shell: str) -> None:
    from tests.cli.terminal import Terminal

    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    terminal = Terminal([program, *BEGIN[shell]], columns=200, **shell_home)
    terminal.type(f'{LOAD[shell]}; cd; eval "$(klaviyo-mcp completion {shell})"; echo re""ady\r')
    terminal.read("ready")
    for typed, completed in LINES:
        terminal.type(f"klaviyo-mcp {typed}\t")
        terminal.read(completed)
        terminal.type("\x15")
    terminal.type("klaviyo-mcp call TAG_GROUP\t" + "\t" * (shell == "bash"))
    terminal.read("create_tag_group")
    terminal.type("\x15exit\r")
    assert terminal.end()[0] == 0


def test_fish_completes_with_what_things_are(command, shell_home) -> None:
    program = shutil.which("fish")
    if program is None:
        pytest.skip("fish is not installed")
    lines = [
        ("call create_tag_gr", "create_tag_group"),
        ("call get_list --set id=name:VI", "id=name:VIP customers\tTQVhRF"),
        ("call get_list --set 'id=name:VI", "id=name:VIP customers\tTQVhRF"),
        ("call get_list --set ", "id="),
        ("report weekly --html=pa", "--html=page.html"),
        ("install --name c", ""),
    ]
    asks = "\n".join(f"complete -C {shlex.quote(f'klaviyo-mcp {line}')}; echo ==" for line, _ in lines)
    script = f"{command('completion', 'fish').stdout}\ncd\n{asks}"
    environment = {**os.environ, **shell_home}
    done = subprocess.run(
        [program, "--no-config", "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stderr == ""
    for (_, offered), found in zip(lines, done.stdout.split("==\n"), strict=False):
        assert offered in found
        assert offered or not found


def test_it_is_installed_where_the_shell_looks(command, tmp_path) -> None:
    done = command("completion", "fish", "--install", XDG_CONFIG_HOME=str(tmp_path), program=COLD)
    assert done.returncode == 0
    assert (tmp_path / "fish" / "completions" / "klaviyo-mcp.fish").is_file()
