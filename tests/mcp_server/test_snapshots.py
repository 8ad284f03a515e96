"""One file per tool with what an agent sees of it, so that every change to that is a readable diff.

`UPDATE_SNAPSHOTS=1 make test` writes them anew.
"""

import json
import os
from pathlib import Path

import pytest

from klaviyo_mcp.mcp_server.server import as_tool
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry

FOLDER = Path(__file__).with_name("snapshots")
REGISTRY = Registry(load_catalogue())


@pytest.mark.parametrize("name", [action.name for action in REGISTRY.actions])
def test_what_an_agent_sees_of_a_tool_is_as_recorded(name: str) -> None:
    tool = as_tool(REGISTRY[name])
    seen = (
        json.dumps(tool.model_dump(mode="json", by_alias=True, exclude_none=True), indent=1, ensure_ascii=False) + "\n"
    )
    path = FOLDER / f"{name}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(seen, "utf-8")
    assert path.is_file(), "no snapshot yet; UPDATE_SNAPSHOTS=1 make test writes it"
    assert path.read_text("utf-8") == seen


def test_no_snapshot_is_left_of_a_tool_that_is_gone() -> None:
    names = {path.stem for path in FOLDER.glob("*.json")}
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for name in names - {action.name for action in REGISTRY.actions}:
            (FOLDER / f"{name}.json").unlink()
    assert {path.stem for path in FOLDER.glob("*.json")} <= {action.name for action in REGISTRY.actions}
