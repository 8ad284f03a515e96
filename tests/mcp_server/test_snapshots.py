"""One file per tool with what an agent sees of it, so that every change to that is a readable diff: `make docs`."""

from pathlib import Path

import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.cli.specs import snapshot

FOLDER = Path(__file__).with_name("snapshots")
SPECS = {spec.name: spec for spec in CATALOGUE}


@pytest.mark.parametrize("name", SPECS)
def test_what_an_agent_sees_of_a_tool_is_as_recorded(name: str) -> None:
    path = FOLDER / f"{name}.json"
    assert path.is_file(), "no snapshot yet; 'make docs' writes it"
    assert path.read_text("utf-8") == snapshot(SPECS[name])


def test_no_snapshot_is_left_of_a_tool_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} <= SPECS.keys()
