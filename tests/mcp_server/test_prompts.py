"""Prompts: what they name exists, what they need is there, and what is put into them is put in once."""

import re
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from tests.catalogue import CATALOGUE, REGISTRY

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.mcp_server.prompts import LONGEST_VALUE, PLACE, Prompts, prompt_files
from klaviyo_mcp.registry.guides import Guide, guides
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.exposure import Exposure, parse_exposure

READING = ["flow_audit", "weekly_review"]
FILES = prompt_files()
DOCS = Path(__file__).parents[2] / "docs" / "resources.md"


class Two:
    """Two accounts to choose from."""

    can_be_named = True

    async def names(self) -> list[str]:
        return ["one", "other"]


@pytest.fixture
def one() -> Any:
    endpoint = Endpoint("http://127.0.0.1:9")
    return OneAccount(open_account("default", endpoint), endpoint)


def offered(registry: Registry, flags: str = "all", **more: Any) -> Prompts:
    return Prompts(registry, parse_exposure(flags, registry, **more))


async def text(prompts: Prompts, name: str, accounts: Any, **given: str) -> str:
    return (await prompts.get(name, given, accounts)).messages[0].content.text


@pytest.mark.parametrize("name", FILES)
def test_a_prompt_names_the_actions_it_uses_and_they_exist(name: str, registry: Registry) -> None:
    prompt = FILES[name]
    used = {*prompt.needs, *prompt.prefers}
    assert used <= registry.by_name.keys()
    ticked = set(re.findall(r"`(\w+)`", prompt.text))
    assert {word for word in ticked if word in registry.by_name} <= used
    assert used <= ticked
    assert set(re.findall(r"(?:guides/|guide:)(\w+)", prompt.text)) <= guides().keys()
    completed = [read for told in prompt.arguments.values() for read in told.get("complete", [])]
    assert all(registry[read].effect == "read" for read in completed)


@pytest.mark.parametrize("name", FILES)
def test_a_prompt_has_few_arguments_each_used_and_either_required_or_with_a_default(name: str) -> None:
    prompt = FILES[name]
    assert 1 <= len(prompt.arguments) <= 4
    assert set(PLACE.findall(prompt.text)) == prompt.arguments.keys()
    for told in prompt.arguments.values():
        assert ("default" in told) != bool(told.get("required"))
    assert "Show at the end" in prompt.text
    writes = [action.name for action in actions(prompt.needs) if action.effect != "read"]
    assert bool(writes) == (name not in READING)
    assert "yes" in prompt.text if writes else "Change nothing" in prompt.text


def actions(names: tuple[str, ...]) -> list[Any]:
    registry = REGISTRY
    return [registry[name] for name in names]


async def test_a_server_offers_what_it_has_the_actions_for(registry: Registry, one: Any) -> None:
    assert [prompt.name for prompt in await offered(registry).listed(one)] == [*FILES]
    only_reading = offered(registry, read_only=True)
    assert [prompt.name for prompt in await only_reading.listed(one)] == READING
    with pytest.raises(MCPError, match=r"read-only and does not have create_segment\. There are: flow_audit"):
        await only_reading.get("win_back_segment", {}, one)
    assert await Prompts(registry, Exposure(frozenset({"lists"}))).listed(one) == []
    with pytest.raises(MCPError, match=r"There is no prompt 'review'\. There are: campaign_from_brief"):
        await offered(registry).get("review", {}, one)


async def test_values_are_put_in_once_and_what_is_not_given_has_a_default(registry: Registry, one: Any) -> None:
    prompts = offered(registry)
    given = {"brief": "Sell {{audience}} and $&", "audience": "Newsletter"}
    made = await text(prompts, "campaign_from_brief", one, **given)
    assert "Sell {{audience}} and $&" in made
    assert "Audience: Newsletter\nLeft out: nobody\n" in made
    assert "none in the last 180 days" in await text(prompts, "win_back_segment", one)
    assert "none in the last 90 days" in await text(prompts, "win_back_segment", one, days=" 90 ", orders="")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"audience": "Newsletter"}, "campaign_from_brief needs the argument brief: What the campaign is about"),
        ({"brief": " ", "audience": "Newsletter"}, "needs the argument brief"),
        ({"brief": "b", "audience": "a", "list": "x"}, "has no argument 'list'. It takes: brief, audience, exclude"),
        ({"brief": "b" * (LONGEST_VALUE + 1), "audience": "a"}, "brief has 8001 characters"),
    ],
)
async def test_an_argument_that_is_wrong_is_named(registry: Registry, one: Any, given, told) -> None:
    with pytest.raises(MCPError, match=re.escape(told)):
        await offered(registry).get("campaign_from_brief", given, one)


async def test_what_the_server_lacks_and_how_actions_are_run_is_told(registry: Registry, one: Any) -> None:
    made = await text(offered(registry, "search"), "weekly_review", one)
    assert "run_read_action" in made
    assert "Not on this server" not in made
    without = parse_exposure("all", registry)
    assert "run_read_action" not in await text(Prompts(registry, without), "weekly_review", one)
    needed = Prompts(registry, Exposure(actions=frozenset(FILES["weekly_review"].needs)))
    lacking = "Not on this server: performance_overview, scheduled_campaigns. Go the other way that is named."
    assert lacking in await text(needed, "weekly_review", one)


async def test_with_several_accounts_a_prompt_asks_which(registry: Registry, one: Any) -> None:
    (prompt, *_) = await offered(registry).listed(Two())  # type: ignore[arg-type]
    assert prompt.arguments is not None
    assert prompt.arguments[-1].name == "account"
    assert "the Klaviyo account other" in await text(offered(registry), "flow_audit", Two(), account="other")
    with pytest.raises(MCPError, match="has no argument 'account'"):
        await offered(registry).get("flow_audit", {"account": "other"}, one)


async def test_actions_are_named_as_the_server_lists_them(one: Any) -> None:
    registry = Registry(CATALOGUE, "shop_")
    made = await text(offered(registry), "weekly_review", one)
    assert "`shop_query_campaign_values`" in made
    assert "`query_campaign_values`" not in made


@pytest.mark.parametrize("file", [*FILES.values(), *guides().values()], ids=lambda file: file.title)
def test_the_docs_list_it(file: Any) -> None:
    page = DOCS.read_text("utf-8")
    if isinstance(file, Guide):
        assert f"| `{file.topic}` | {file.description} |" in page
    else:
        assert f"| `{file.name}` | {', '.join(file.arguments)} | {file.description} |" in page
