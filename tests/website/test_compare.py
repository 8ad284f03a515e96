"""What docs/compare.md says of this project is so today."""

import re
from pathlib import Path

from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.everyday import EVERYDAY
from klaviyo_mcp.toolkit.frameworks import FRAMEWORKS

PAGE = (Path(__file__).parents[2] / "docs" / "compare.md").read_text("utf-8")


def test_our_figures_are_those_of_the_catalogue(registry: Registry) -> None:
    everyday = [registry[name] for name in EVERYDAY]
    told = {
        r"<!--actions-->(\d+)": len(registry.actions),
        r"<!--preconditions-->(\d+)": sum(len(action.spec.preconditions) for action in registry.actions),
        r"(\d+) listed by default, such as": sum(action.effect == "read" for action in everyday),
        r"own tools of (\d+) frameworks": len(FRAMEWORKS.keys() - {"mcp"}),
    }
    assert {pattern: int(found[1]) for pattern in told if (found := re.search(pattern, PAGE))} == told
