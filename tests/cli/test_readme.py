"""The README is true: its commands run, what it shows is what comes out, its settings and flags are those there are."""

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.catalogue import CATALOGUE
from tests.warm import COLD

from klaviyo_mcp.runtime.settings import Settings

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
CALL_ID = r"(?<=\nCall id: )[0-9a-f]{12}(?=\n)"
"""It differs each time."""
SHOWN = [
    (match[1], match[2])
    for language, text in BLOCKS
    if not language
    for match in re.finditer(r"\$ klaviyo-mcp ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", text)
]


@pytest.mark.parametrize(("line", "output"), SHOWN)
def test_a_command_with_its_output_gives_that_output(command, line, output) -> None:
    done = command(*shlex.split(line), program=COLD)
    shown = done.stdout if done.returncode == 0 else done.stderr
    assert re.sub(CALL_ID, "…", shown) == re.sub(CALL_ID, "…", output)


def test_the_one_call_without_an_account_works(command) -> None:
    (line,) = [
        line for _, text in BLOCKS for line in text.splitlines() if line.startswith(".venv/bin/klaviyo-mcp call")
    ]
    done = command(*shlex.split(line)[1:])
    assert done.returncode == 0
    assert json.loads(done.stdout)["record"]["email"] == "a@example.org"


def test_its_table_of_settings_is_the_settings() -> None:
    named = set(re.findall(r"`(KLAVIYO_[A-Z_]+)`", README.partition("| Setting |")[2].partition("\n\n")[0]))
    assert named == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        row = next(line for line in README.splitlines() if line.startswith("| ") and f"`{name.upper()}`" in line)
        if field.default not in (None, ""):
            shown = f"{field.default:.10g}" if isinstance(field.default, float) else str(field.default)
            assert f"`{shown}`" in row


def test_the_configuration_for_claude_desktop_is_json_that_starts_our_command() -> None:
    (text,) = [text for language, text in BLOCKS if language == "json"]
    server = json.loads(text)["mcpServers"]["klaviyo"]
    assert server == {"command": "uvx", "args": ["klaviyo-mcp", "serve"]}


def test_the_demo_tells_its_story_to_the_end(command) -> None:
    done = command("demo")
    assert done.returncode == 0, done.stderr
    for line in ("Maya Lindqvist", "Did you mean included?", "create_missing: true", "recipients", "Nothing here left"):
        assert line in " ".join(done.stdout.split())
    assert done.stderr == ""


def test_every_file_it_links_to_is_there() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def test_every_action_it_names_exists() -> None:
    names = {name for spec in CATALOGUE for name in spec.names}
    for name in re.findall(r"klaviyo-mcp call ([a-z_]+)", README):
        assert name in names
