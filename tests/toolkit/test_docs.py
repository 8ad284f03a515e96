"""The page about the toolkit is right: its programs run, and its tables name what there is."""

import re
from pathlib import Path
from textwrap import indent

import pytest

import klaviyo_mcp
from klaviyo_mcp.toolkit.frameworks import FRAMEWORKS
from klaviyo_mcp.toolkit.options import Options

PAGE = (Path(__file__).parents[2] / "docs" / "toolkit.md").read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.+?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
@pytest.mark.filterwarnings("default")
async def test_a_program_of_the_page_runs(program: str, sandbox: str) -> None:
    names: dict[str, object] = {}
    exec(f"async def program():\n{indent(program, '    ')}", names)
    await names["program"]()  # type: ignore[operator]


def test_every_framework_is_listed_with_what_it_needs() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| .+ \| (?:`([\w.>=-]+)`)? ?\|$", PAGE, flags=re.MULTILINE))
    assert rows == {name: framework.installs for name, framework in FRAMEWORKS.items()}


def test_every_option_and_every_error_is_listed() -> None:
    options = PAGE.partition("## Options")[2].partition("## Calls")[0]
    rows = {name for row in re.findall(r"^\| (`.+?) \|", options, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert rows == {*Options.__annotations__, "ask"}
    errors = [name for name in klaviyo_mcp.__all__ if isinstance(getattr(klaviyo_mcp, name), type)]
    errors = [name for name in errors if issubclass(getattr(klaviyo_mcp, name), Exception)]
    assert [name for name in errors if f"`{name}`" not in PAGE] == []
