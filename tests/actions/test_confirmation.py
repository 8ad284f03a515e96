"""Plans that wait for a yes: tokens, and an engine that carries out nothing strong without one."""

import re
from collections.abc import AsyncIterator

import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.confirmation import (
    LIFE,
    Asked,
    Confirmations,
    NotConfirmed,
    WrongConfirmation,
    needs_confirmation,
)
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

ASKED = Asked("delete_list", {"id": "VbT4kM"}, {"list.name": "Old"})
KEY = b"k" * 32


@pytest.fixture(scope="module")
def klaviyo():
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture
async def account(klaviyo: str) -> AsyncIterator[Account]:
    endpoint = Endpoint(klaviyo, HttpPool())
    yield open_account("default", endpoint, api_key=API_KEY)
    await endpoint.close()


@pytest.mark.parametrize(
    ("confirm", "effects"),
    [("destructive", {"destructive"}), ("writes", {"destructive", "write"}), ("never", set())],
)
def test_what_waits_follows_from_the_effect(confirm, effects) -> None:
    assert {effect for effect in ("read", "write", "destructive") if needs_confirmation(confirm, effect)} == effects


async def test_a_token_is_taken_once_for_what_it_was_given_for() -> None:
    held = Confirmations("destructive")
    token = held.hold(ASKED, "shop", KEY).token
    assert len(token) < 100
    asked = held.asked(token, None, None, "shop", KEY)
    assert asked == ASKED
    await held.use(token, asked, ASKED.same, "shop", KEY)
    with pytest.raises(WrongConfirmation, match="has been used"):
        await held.use(token, asked, ASKED.same, "shop", KEY)


async def test_another_process_takes_it_with_the_call_beside_it() -> None:
    token = Confirmations("destructive").hold(ASKED, "shop", KEY).token
    other = Confirmations("destructive")
    with pytest.raises(WrongConfirmation, match="repeat action and arguments"):
        other.asked(token, None, None, "shop", KEY)
    asked = other.asked(token, ASKED.action, ASKED.arguments, "shop", KEY)
    await other.use(token, asked, ASKED.same, "shop", KEY)


@pytest.mark.parametrize(
    ("account", "key", "asked", "same", "why"),
    [
        ("other", KEY, ASKED, ASKED.same, "not for this call and this account"),
        ("shop", b"x" * 32, ASKED, ASKED.same, "not for this call and this account"),
        ("shop", KEY, Asked("delete_list", {"id": "Other1"}, {}), ASKED.same, "not for this call"),
        ("shop", KEY, ASKED, {"list.name": "New"}, 'list.name was "Old" and is "New"'),
    ],
)
async def test_it_is_refused_for_anything_else(account, key, asked, same, why) -> None:
    held = Confirmations("destructive")
    token = held.hold(ASKED, "shop", KEY).token
    with pytest.raises(WrongConfirmation, match=re.escape(why)):
        await held.use(token, asked, same, account, key)


@pytest.mark.parametrize(("account", "key"), [("other", KEY), ("shop", b"x" * 32)])
async def test_what_another_account_was_asked_is_not_known_here(account, key) -> None:
    held = Confirmations("destructive")
    token = held.hold(ASKED, "shop", KEY).token
    with pytest.raises(WrongConfirmation, match="does not know what the token is for"):
        held.asked(token, None, None, account, key)
    guessed = held.asked(token, ASKED.action, ASKED.arguments, account, key)
    with pytest.raises(WrongConfirmation, match="not for this call and this account"):
        await held.use(token, guessed, ASKED.same, account, key)


@pytest.mark.parametrize("text", ["", "yes", "confirm1", "confirm1.zz.a.b.c", "confirm1." + "x" * 500, "a.b.c.d.e"])
def test_what_is_no_token_is_told(text) -> None:
    with pytest.raises(WrongConfirmation, match="no confirmation"):
        Confirmations("destructive").asked(text, None, None, "shop", KEY)


def test_a_token_ends() -> None:
    held = Confirmations("destructive")
    token = held.hold(ASKED, "shop", KEY).token
    _, expires, *rest = token.split(".")
    earlier = ".".join(["confirm1", f"{int(expires, 16) - LIFE - 1:x}", *rest])
    with pytest.raises(WrongConfirmation, match="has ended"):
        held.asked(earlier, None, None, "shop", KEY)


async def test_an_engine_does_nothing_strong_without_a_yes(registry: Registry, account: Account) -> None:
    engine = Engine(registry, confirmations=Confirmations("destructive"))
    made = await engine.run(Call("create_list", {"name": "To go"}), account)
    plan = await engine.planned(Call("delete_list", {"id": made.records[0]["id"]}), account)
    with pytest.raises(NotConfirmed):
        await engine.carry_out(plan, account)
    assert (await engine.carry_out(plan, account, confirmed=True)).wrote


async def test_what_a_campaign_would_do_is_looked_up(registry: Registry, account: Account) -> None:
    engine = Engine(registry, confirmations=Confirmations("destructive"))
    campaigns = (await engine.run(Call("get_campaigns", {"channel": "email"}), account)).records
    draft = next(record for record in campaigns if record["status"] == "Draft")
    plan = await engine.planned(Call("send_campaign", {"id": draft["id"]}), account)
    told = await engine.consequences(plan, account)
    assert any(draft["name"] in sentence for sentence in told.says)
    assert told.same
    assert told.undo
