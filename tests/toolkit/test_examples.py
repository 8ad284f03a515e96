"""Every example is run as it is, its model a scripted one; those whose packages are not here `make examples` runs."""

import asyncio
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
from tests.toolkit.scripted import SAID, scripted_model

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "toolkit").glob("*.py"))
IN_CI = (
    "anthropic_messages",
    "anthropic_runner",
    "google_genai",
    "openai_agents_sdk",
    "openai_chat",
    "openai_responses",
    "pydantic_ai_agent",
)


@pytest.fixture(scope="module")
def model() -> Iterator[dict[str, str]]:
    with scripted_model() as environment:
        yield environment


def load(path: Path) -> Any:
    found = spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", IN_CI)
@pytest.mark.filterwarnings("default")  # those of the frameworks are their own
def test_an_example_finds_runs_and_is_told_what_is_wrong(name, sandbox, model, monkeypatch) -> None:
    for key, value in model.items():
        monkeypatch.setenv(key, value)
    answer = load(next(path for path in EXAMPLES if path.stem == name)).answer
    said = asyncio.run(answer("Which lists?")) if iscoroutinefunction(answer) else answer("Which lists?")
    assert [part for part in SAID if part not in said] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_names_what_it_needs(path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 60
    assert text.startswith("# /// script\n")
    assert '"klaviyo-mcp"' in text
