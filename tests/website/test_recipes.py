"""Recipes are true: their calls do what the page says, over HTTP, in a demo shop of their own."""

import re

import pytest
from website.recipes import BLOCK, FOLDER, Untrue, answered, with_answers

from klaviyo_mcp import Klaviyo

RECIPES = sorted(path for path in FOLDER.glob("*.md") if path.stem != "index")


@pytest.fixture(autouse=True)
def no_pace(monkeypatch) -> None:
    monkeypatch.setenv("KLAVIYO_MCP_QUOTA", "off")


@pytest.mark.anyio
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
async def test_a_recipe_does_what_it_says(path) -> None:
    told = await with_answers(path.read_text("utf-8"))
    blocks = len(BLOCK.findall(path.read_text("utf-8")))
    assert blocks
    assert told.count('title="The answer') == blocks


def test_every_call_on_a_page_is_carried_out_and_every_recipe_listed() -> None:
    listed = (FOLDER / "index.md").read_text("utf-8")
    for path in RECIPES:
        text = path.read_text("utf-8")
        assert text.count("\nklaviyo-mcp call ") == sum(
            block[1].count("klaviyo-mcp call ") for block in BLOCK.findall(text)
        )
        assert f"({path.name})" in listed


@pytest.mark.anyio
async def test_a_recipe_that_is_not_true_is_told() -> None:
    wrong = {"held": "is done, not held", "refused": "is done, not refused", 'shows="Summer"': "does not show 'Summer'"}
    async with Klaviyo(sandbox=True) as klaviyo:
        for said, why in wrong.items():
            with pytest.raises(Untrue, match=re.escape(why)):
                await answered(f"```bash {said}\nklaviyo-mcp call get_lists\n```\n", klaviyo)
