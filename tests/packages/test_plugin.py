"""The plugin for Claude Code: its files, and every skill played through by its own calls and commands."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.end_to_end.conftest import by_default

from klaviyo_mcp import __version__
from klaviyo_sandbox import create_app
from klaviyo_sandbox.testing import serve

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "plugin"
SKILLS = {path.parent.name: path.read_text("utf-8") for path in sorted(PLUGIN.glob("skills/*/SKILL.md"))}
BLOCK = re.compile(r"^ *```(json|sh)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
FOUND_BEFORE = re.compile(r'"<(\w+)>"')
LONGEST_NAME = 64


def blocks(skill: str, kind: str) -> list[str]:
    return [text.strip() for found, text in BLOCK.findall(SKILLS[skill]) if found == kind]


def read(path: str) -> Any:
    return json.loads((ROOT / path).read_text("utf-8"))


def test_the_marketplace_leads_to_the_plugin_and_all_are_of_one_version() -> None:
    (listed,) = read(".claude-plugin/marketplace.json")["plugins"]
    plugin = read("plugin/.claude-plugin/plugin.json")
    assert (ROOT / listed["source"]).resolve() == PLUGIN
    assert listed["name"] == plugin["name"]
    assert {listed["version"], plugin["version"]} == {__version__}
    assert read("plugin/.mcp.json")["mcpServers"]["klaviyo"]["args"] == [f"klaviyo-mcp@{__version__}", "serve"]


@pytest.mark.parametrize("skill", SKILLS)
def test_a_skill_says_when_it_is_for(skill: str) -> None:
    head = yaml.safe_load(SKILLS[skill].split("---")[1])
    assert head["name"] == skill
    assert set(head) == {"name", "description"}
    assert len(head["description"]) <= 1024
    assert " Use " in head["description"]
    assert f"/klaviyo:{skill}" in (PLUGIN / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def klaviyo() -> Iterator[str]:
    with serve(create_app(rate_limits=False, estimation_seconds=0)) as url:
        yield url


async def test_the_calls_of_every_skill_do_what_it_says(klaviyo: str) -> None:
    server = StdioServerParameters(command=sys.executable, args=["-m", "klaviyo_mcp", "serve"], env=by_default(klaviyo))
    async with Client(server) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert max(len(f"mcp__plugin_klaviyo_klaviyo__{name}") for name in names) <= LONGEST_NAME
        for skill in SKILLS:
            answers: list[Any] = []
            for block in blocks(skill, "json"):
                call = json.loads(filled(block, answers))
                assert call["tool"] in names, skill
                answer = await client.call_tool(call["tool"], call["arguments"])
                assert not answer.is_error, (skill, block, answer.content)
                assert "warnings" not in (answer.structured_content or {}), (skill, block, answer.content)
                answers.append(answer.structured_content)
            assert len(answers) >= 4 or blocks(skill, "sh"), skill
            if skill == "send-campaign":
                assert answers[-2]["done"] is False
                assert answers[-1].get("done") is not False


def filled(block: str, answers: list[Any]) -> str:
    """A call with what it takes from the answers before it: `"<token>"` is the last that one had."""
    return FOUND_BEFORE.sub(lambda match: json.dumps(last(match[1], answers)), block)


def last(name: str, answers: list[Any]) -> str:
    for answer in reversed(answers):
        if (value := inside(answer, name)) is not None:
            return str(value)
    raise AssertionError(f"no answer has {name}")


def inside(answer: Any, name: str) -> Any:
    if isinstance(answer, dict):
        if name in answer:
            return answer[name]
        answer = list(answer.values())
    if isinstance(answer, list):
        return next((found for one in answer if (found := inside(one, name)) is not None), None)
    return None


@pytest.mark.parametrize("skill", [skill for skill in SKILLS if blocks(skill, "sh")])
def test_the_commands_of_a_skill_run(command, klaviyo: str, tmp_path: Path, monkeypatch, skill: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("email,first_name,phone\na@example.org,Ann,(503) 555-0142\nnobody,Bob,\n", "utf-8")
    environment = {**by_default(klaviyo), "KLAVIYO_MCP_HOME": str(tmp_path / "home")}
    done = None
    for block in blocks(skill, "sh"):
        program, *words = shlex.split(block.removeprefix("uvx "))
        assert program == "klaviyo-mcp"
        done = command(*words, **environment)
        assert done.returncode == 0, (block, done.stderr)
    assert done
    assert '"settled": 1' in done.stdout, done.stdout
