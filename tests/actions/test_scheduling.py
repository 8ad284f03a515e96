"""A campaign that is given a time: what is said before it is scheduled, what came of it, and how it is taken back."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call, preview_call
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

JSON = dict[str, Any]
NINE_IN_NEW_YORK = "2090-12-01T09:00:00-05:00"


class Shop:
    """The sandbox, as an agent works with it."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.endpoint = Endpoint(url, pace=False)
        self.accounts = OneAccount(open_account("shop", self.endpoint, api_key=API_KEY), self.endpoint)
        self.engine = engine

    async def do(self, action: str, arguments: JSON) -> JSON:
        return (await answer_call(self.engine, self.accounts, Call(action, arguments))).answer.data

    async def preview(self, action: str, arguments: JSON) -> JSON:
        return (await preview_call(self.engine, self.accounts, Call(action, arguments))).answer.data

    async def first(self, action: str, arguments: JSON | None = None) -> str:
        return (await self.do(action, arguments or {}))["records"][0]["id"]

    async def draft(self) -> tuple[str, str]:
        """A campaign that could be sent, and its message."""
        email = {"subject": "Winter sale", "template_id": await self.first("get_templates")}
        made = await self.do("draft_campaign", {"name": "Winter", "included": [await self.first("get_lists")], **email})
        return made["campaign_id"], made["message_id"]

    async def status(self, message: str) -> str:
        named = [{"field": "id", "operator": "equals", "value": message}]
        return (await self.do("get_campaign_messages", {"filter": named}))["records"][0]["definition"]["status"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture
async def shop(url: str, registry: Registry) -> AsyncIterator[Shop]:
    made = Shop(url, Engine(registry))
    yield made
    await made.endpoint.close()


async def test_before_a_campaign_is_scheduled_it_is_told_whom_it_reaches_and_when_on_the_accounts_clock(
    shop: Shop,
) -> None:
    campaign, message = await shop.draft()
    at_nine = {"message_id": message, "strategy": "static", "send_time": NINE_IN_NEW_YORK}
    shown = await shop.preview("schedule_campaign", {"campaign_id": campaign, "message_schedules": [at_nine]})
    said = " ".join(shown["does"])
    assert '"Winter sale"' in said
    assert 'To the lists: "Newsletter".' in said
    assert "2090-12-01 06:00 in America/Los_Angeles" in said
    assert shown["effect"] == "destructive"
    assert shown["reaches"] > 0
    assert await shop.status(message) == "draft"


async def test_a_scheduled_campaign_is_taken_back_by_the_call_that_its_answer_names(shop: Shop) -> None:
    campaign, message = await shop.draft()
    local = {"message_id": message, "strategy": "local_timezone", "send_time": "2090-12-01T09:00:00Z"}
    done = await shop.do("schedule_campaign", {"campaign_id": campaign, "message_schedules": [local]})
    assert await shop.status(message) == "scheduled"
    undone = await shop.do(done["undo"]["action"], done["undo"]["arguments"])
    assert undone["status"] == "done"
    assert await shop.status(message) == "draft"


async def test_a_message_with_a_time_of_its_own_is_among_what_goes_out(shop: Shop) -> None:
    campaign, _ = await shop.draft()
    audience = await shop.first("get_campaign_audiences_for_campaign", {"id": campaign})
    text = {"name": "Text", "details": {"channel": "sms", "body": "It starts today!"}}
    of_it = {"campaign_id": campaign, "campaign_audience_id": audience, "definition": {"name": "On the day"}}
    made = await shop.do("create_campaign_message", {**of_it, "variations": [{"definition": text}]})
    message = made["record"]["id"]
    time = {"strategy": "static", "send_time": NINE_IN_NEW_YORK}
    await shop.do("schedule_campaign_message", {"campaign_message_id": message, **time})
    (found,) = [one for one in (await shop.do("scheduled_campaigns", {}))["messages"] if one["id"] == message]
    assert (found["name"], found["campaign"]) == ("On the day", "Winter")
    assert (found["goes_out"], found["to"]) == ("2090-12-01 06:00", ["Newsletter"])
