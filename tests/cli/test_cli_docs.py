"""docs/cli.md is true: its commands run, what it shows comes out, its exit codes and flags are those there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.lines import run_line
from typer.testing import CliRunner

from klaviyo_mcp.cli import calling
from klaviyo_mcp.cli.main import app, load

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
SHOWN = [
    (match[1], match[2])
    for language, text in BLOCKS
    if language == "console"
    for match in re.finditer(r"\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", text)
]


@pytest.mark.parametrize(("line", "output"), SHOWN, ids=[line[:60] for line, _ in SHOWN])
def test_a_command_runs_and_gives_the_output_that_is_shown(command, line: str, output: str) -> None:
    done = run_line(command, line)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    if output:
        assert done.stdout == output


def test_every_exit_code_is_told() -> None:
    table = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    ours = {calling.FAILED, calling.MISUSED, calling.UNKNOWN, calling.HELD, calling.LATER}
    assert told == {0, *ours, 130, 141}


def test_it_names_every_command_and_only_flags_that_exist() -> None:
    load([])
    used = next(text for _, text in BLOCKS if "[--transport stdio|http]" in text)
    root: Any = typer.main.get_command(app)
    assert set(root.commands) == {line.split()[1] for line in used.splitlines()}
    groups = ("actions", "audit", "hosted", "jobs", "specs")
    for line in used.splitlines():
        words = line.split()[1:]
        path = [word for word in words if re.fullmatch(r"[a-z|-]+", word) and word[0] != "-"]
        path = path[: 2 if words[0] in groups else 1]
        for last in path[-1].split("|"):
            shown = CliRunner().invoke(app, [*path[:-1], last, "--help"], env={"COLUMNS": "200"})
            assert shown.exit_code == 0, line
            for flag in re.findall(r"--[a-z-]+", line):
                assert flag in shown.stdout, (line, flag)
