"""Translations: begun, written text by text, and what is told of a language that is none."""

from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_sandbox import API_KEY, create_app

VALUES = {"additional_translation_fields": ["values"]}


@pytest.fixture
def account() -> Account:
    shop = httpx2.ASGITransport(create_app(rate_limits=False, profiles=20))
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(shop), pace=False), api_key=API_KEY)


async def test_a_template_is_there_in_german_and_then_is_not(engine: Engine, account: Account) -> None:
    async def run(action: str, **arguments: Any) -> Any:
        return await engine.run(Call(action, arguments), account)

    template = (await run("create_template", name="Note", editor_type="CODE", html="<p>Hello</p>")).records[0]["id"]
    languages = {"source_locale": "en", "target_locales": ["de"], "fallback_locale": "en", "channel": "email"}
    made = await run("create_translation", template_id=template, **languages, **VALUES)
    identifier = made.records[0]["id"]
    assert made.undo == {"action": "delete_translation", "arguments": {"id": identifier}}
    (value,) = made.records[0]["values"]
    await run("update_translation", id=identifier, values=[{"id": value["id"], "translations": {"de": "<p>Hallo</p>"}}])
    (value,) = (await run("get_translation", id=identifier, **VALUES)).records[0]["values"]
    assert value["translations"] == {"de": "<p>Hallo</p>"}
    by_template = [{"field": "related_resource_id", "operator": "equals", "value": template}]
    assert [record["id"] for record in (await run("get_translations", filter=by_template)).records] == [identifier]
    await run("delete_translation", id=identifier)
    assert (await run("get_translations", filter=by_template)).records == []


def test_a_language_is_a_code(problems: Any) -> None:
    languages = {"source_locale": "en", "target_locales": ["German"], "fallback_locale": "en", "channel": "email"}
    (line,) = problems("create_translation", template_id="Wq8zRt", **languages)
    assert "is not a language code" in line
    assert "like de or fr-CA" in line
