"""Answers of actions that are made of others are gone through, too: by their only list, or by the one that is named."""

import pytest
from tests.answers.test_kept_answers import Shop

from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.answers.dotted import longest_list, main_list
from klaviyo_mcp.answers.kept_answers import KeptAnswers
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call


@pytest.fixture(scope="module")
def shop(registry: Registry) -> Shop:
    return Shop(Engine(registry), KeptAnswers())


async def test_the_only_list_of_an_answer_is_its_main_one(shop: Shop) -> None:
    orders = (await shop.call("get_events", page_size=1)).answer.data["records"]
    assert orders
    before = shop.requests
    data = (await shop.call("recent_events", most=100)).answer.data
    assert data["count"] == 100
    assert len(data["events"]) < 100
    told = data["read_more"]
    assert "The 100 events that were read are kept" in told
    assert f"goes on with offset: {len(data['events'])}, " in told
    asked = shop.requests
    assert asked > before
    rest = await shop.more(answer_id=data["answer_id"], offset=len(data["events"]))
    assert rest["of"] == 100
    first = rest["records"][0]["value"]
    assert first not in data["events"]
    kind = first.split(" · ")[1]
    where = [{"field": "value", "operator": "contains", "value": f"· {kind} ·"}]
    found = await shop.more(answer_id=data["answer_id"], where=where, list="events")
    assert 1 <= found["matching"] <= 100
    assert all(f"· {kind} ·" in record["value"] for record in found["records"])
    assert "list" not in found, "it is the main one"
    assert shop.requests == asked


async def test_of_several_lists_the_answer_says_which_there_are(shop: Shop) -> None:
    email = (await shop.call("get_profiles", page_size=1)).answer.data["records"][0]["email"]
    call = Call("profile_overview", {"profile": email})
    data = (await answer_call(shop.engine, shop.accounts, call, budget=1_200, kept=shop.kept)).answer.data
    assert "list takes " in data["read_more"]
    whole = await shop.more(answer_id=data["answer_id"], list="events", limit=2)
    assert whole["list"] == "events"
    assert whole["count"] == 2
    page = await shop.more(answer_id=data["answer_id"])
    assert "who" in page["value"]


def test_what_is_said_beside_an_answer_is_none_of_its_lists() -> None:
    beside = {"warnings": ["a"], "notes": ["b", "c"], "not_read": [{"what": "x"}]}
    assert main_list({**beside, "hits": [{"id": "1"}]}) == "hits"
    assert main_list({**beside, "who": {"name": "x"}}) == ""
    assert longest_list({**beside, "who": {"name": "x"}}) == ""
    assert main_list({"lists": ["a"], "events": ["b"]}) == ""
    assert longest_list({"lists": ["a", "b", "c"], "rows": [{"id": "1"}]}) == "rows"
    assert longest_list({"lists": ["a", "b"], "events": ["b"]}) == "lists"
