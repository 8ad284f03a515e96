"""A call that names things instead of giving ids: what is shown, confirmed, done and written down is one thing."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.confirmation import Confirmations
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.policy import Policy, Rule
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import Confirmation, answer_call, confirm_call, preview_call
from klaviyo_mcp.runtime.audit import Audit
from klaviyo_mcp.runtime.audit_file import AuditFile
from klaviyo_sandbox import API_KEY, create_app

RENAME = Call("update_list", {"id": "name:VIP customers", "name": "Our best"})


@pytest.fixture
def transport() -> httpx2.ASGITransport:
    return httpx2.ASGITransport(app=create_app(rate_limits=False))


@pytest.fixture
def endpoint(transport: httpx2.ASGITransport) -> Endpoint:
    return Endpoint("http://sandbox", HttpPool(transport), pace=False)


@pytest.fixture
def elsewhere(transport: httpx2.ASGITransport) -> Account:
    """The same account, as another process has it: what is written there is not known here."""
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(transport), pace=False), api_key=API_KEY)


@pytest.fixture
def account(endpoint: Endpoint) -> Account:
    return open_account("sandbox", endpoint, api_key=API_KEY)


@pytest.fixture
def accounts(account: Account, endpoint: Endpoint) -> OneAccount:
    return OneAccount(account, endpoint)


@pytest.fixture
def careful(registry: Registry) -> Engine:
    """An engine that has every write confirmed."""
    return Engine(registry, confirmations=Confirmations("writes"))


async def lists(engine: Engine, account: Account) -> dict[str, str]:
    records = (await engine.run(Call("get_lists", {"max_records": 50}), account)).records
    return {record["name"]: record["id"] for record in records}


async def held(engine: Engine, accounts: OneAccount) -> dict[str, Any]:
    data = (await answer_call(engine, accounts, RENAME)).answer.data
    assert data["done"] is False
    return data


async def test_a_held_call_tells_what_its_name_stands_for_and_does_that(
    careful: Engine, account: Account, accounts: OneAccount
) -> None:
    vip = (await lists(careful, account))["VIP customers"]
    data = await held(careful, accounts)
    assert data["read_as"] == {"id": f"{vip} (VIP customers)"}
    answer = await confirm_call(careful, accounts, Confirmation(data["confirmation"]["token"]))
    assert not answer.is_error
    assert (await lists(careful, account))["Our best"] == vip


async def test_a_name_that_has_passed_to_another_list_confirms_nothing(
    careful: Engine, registry: Registry, account: Account, elsewhere: Account, accounts: OneAccount
) -> None:
    known = await lists(careful, account)
    data = await held(careful, accounts)
    free = Engine(registry)
    await free.run(Call("update_list", {"id": known["VIP customers"], "name": "Formerly VIP"}), elsewhere)
    await free.run(Call("update_list", {"id": known["Back in stock"], "name": "VIP customers"}), elsewhere)
    answer = await confirm_call(careful, accounts, Confirmation(data["confirmation"]["token"]))
    error = answer.answer.data["error"]
    assert error["code"] == "wrong_confirmation"
    assert f'id was "{known["VIP customers"]}" and is "{known["Back in stock"]}"' in error["message"]
    assert "Our best" not in await lists(careful, account)


async def test_a_name_that_is_gone_confirms_nothing(
    careful: Engine, registry: Registry, account: Account, accounts: OneAccount
) -> None:
    known = await lists(careful, account)
    data = await held(careful, accounts)
    await Engine(registry).run(Call("update_list", {"id": known["VIP customers"], "name": "Formerly VIP"}), account)
    answer = await confirm_call(careful, accounts, Confirmation(data["confirmation"]["token"]))
    assert answer.answer.data["error"]["code"] == "invalid_arguments"
    assert "Our best" not in await lists(careful, account)


async def test_a_preview_shows_the_id_in_the_request(
    registry: Registry, account: Account, accounts: OneAccount
) -> None:
    engine = Engine(registry)
    vip = (await lists(engine, account))["VIP customers"]
    data = (await preview_call(engine, accounts, RENAME)).answer.data
    assert data["read_as"] == {"id": f"{vip} (VIP customers)"}
    assert [request["path"] for request in data["requests"]] == [f"/api/lists/{vip}"]
    refused = (await preview_call(engine, None, RENAME)).answer.data["error"]
    assert refused["outcome"] == "Nothing was sent to Klaviyo."
    assert "there is no account to look in" in refused["problems"][0]["problem"]


async def test_an_error_about_a_name_says_that_nothing_was_changed(registry: Registry, accounts: OneAccount) -> None:
    call = Call("update_list", {"id": "name:No such list", "name": "Our best"})
    error = (await answer_call(Engine(registry), accounts, call)).answer.data["error"]
    assert error["outcome"] == "Nothing was changed in Klaviyo."
    call = Call("delete_list", {"id": "name:VIP customers"})
    error = (await answer_call(Engine(registry), accounts, call)).answer.data["error"]
    assert error["outcome"] == "Nothing was changed in Klaviyo."
    assert error["next_step"].startswith("Show the user what the name stands for")


async def test_the_audit_log_holds_the_id(
    registry: Registry, account: Account, accounts: OneAccount, tmp_path: Path
) -> None:
    engine = Engine(registry)
    vip = (await lists(engine, account))["VIP customers"]
    path = tmp_path / "audit.jsonl"
    await answer_call(engine, accounts, RENAME, audit=Audit(AuditFile(path)))
    entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [entry["arguments"]["id"] for entry in entries if "arguments" in entry] == [vip]


async def test_what_the_policy_keeps_from_an_agent_is_not_read_for_a_name(
    registry: Registry, accounts: OneAccount
) -> None:
    engine = Engine(registry, policy=Policy((Rule("closed", "rule 'closed'", frozenset(["get_lists"]), forbid=True),)))
    error = (await answer_call(engine, accounts, RENAME)).answer.data["error"]
    assert "could not be looked up" in error["problems"][0]["problem"]
    assert "VIP customers (" not in json.dumps(error)
