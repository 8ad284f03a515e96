"""Numbers for text messages: what a registration must say, and what becomes of it at the carriers."""

from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import PreconditionFailed
from klaviyo_mcp.klaviyo.errors import Conflict
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY, ManualClock, create_app

DAY = 86400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def account(clock: ManualClock) -> Account:
    shop = httpx2.ASGITransport(create_app(rate_limits=False, profiles=20, clock=clock))
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(shop), pace=False), api_key=API_KEY)


@pytest.fixture
def new_number(registry: Registry) -> dict[str, Any]:
    (example,) = registry["create_text_messaging_sender"].spec.examples
    return example.arguments


def with_business(arguments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    registration = {**arguments["registration"], **changes}
    return {**arguments, "registration": {name: value for name, value in registration.items() if value is not None}}


async def test_a_number_is_registered_and_may_send_once_the_carriers_agree(
    engine: Engine, account: Account, clock: ManualClock, new_number: dict[str, Any]
) -> None:
    made = await engine.run(Call("create_text_messaging_sender", new_number), account)
    sender = {"id": made.records[0]["id"]}
    read = Call("get_registration_for_messaging_sender", sender)
    assert (await engine.run(read, account)).records[0]["status"] == "in_review"
    with pytest.raises(Conflict):
        await engine.run(Call("create_text_messaging_sender", new_number), account)
    clock.advance(4 * DAY)
    assert (await engine.run(read, account)).records[0]["status"] == "approved"
    assert (await engine.run(Call("get_text_messaging_sender", sender), account)).records[0]["status"] == "active"


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"business_registration_number": None}, ["business_registration_number"]),
        ({"business_registration_country": None}, ["business_registration_country"]),
        (
            {"business_registration_authority": None, "business_registration_number": None},
            ["business_registration_authority", "business_registration_number"],
        ),
        ({"business_type": "SOLE_PROPRIETOR", "business_registration_number": None}, ["business_registration_number"]),
        (
            {
                "business_type": "SOLE_PROPRIETOR",
                "business_registration_country": "DE",
                "business_registration_authority": None,
                "business_registration_number": None,
            },
            ["business_registration_authority", "business_registration_number"],
        ),
    ],
)
async def test_a_business_says_where_it_is_registered(
    engine: Engine, account: Account, new_number: dict[str, Any], changes: dict[str, Any], lacks: list[str]
) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        await engine.run(Call("create_text_messaging_sender", with_business(new_number, **changes)), account)
    assert [problem.argument for problem in refused.value.problems] == [f"registration.{name}" for name in lacks]


def test_what_the_carriers_would_refuse_by_its_form_is_named(problems: Any, new_number: dict[str, Any]) -> None:
    wrong = {"phone_number": "503 555 0142", "email": "maya", "business_registration_country": "USA"}
    found = problems("create_text_messaging_sender", **with_business(new_number, **wrong))
    assert len(found) == 3
    assert any("is not a country code" in problem for problem in found)
