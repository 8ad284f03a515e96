"""Changes of a brand: what is told before a part is deleted, and the calls that take changes back."""

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app


@pytest.fixture
def account() -> Account:
    shop = httpx2.ASGITransport(create_app(rate_limits=False, profiles=20))
    return open_account("sandbox", Endpoint("http://sandbox", HttpPool(shop), pace=False), api_key=API_KEY)


async def named(engine: Engine, account: Account, action: str, name: str) -> str:
    records = (await engine.run(Call(action), account)).records
    return next(record["id"] for record in records if record["name"] == name)


async def image_of(engine: Engine, account: Account, logo: str) -> str:
    (record,) = (await engine.run(Call("get_brand_logo", {"id": logo, "include": ["image"]}), account)).related_records
    return record["related"]["image"]


async def test_the_picture_of_a_logo_is_exchanged_and_brought_back(engine: Engine, account: Account) -> None:
    logo = await named(engine, account, "get_brand_logos", "Main logo")
    before, hero = await image_of(engine, account, logo), await named(engine, account, "get_images", "autumn-hero")
    done = await engine.run(Call("update_brand_logo", {"id": logo, "image_id": hero}), account)
    assert done.undo == {"action": "update_brand_logo", "arguments": {"id": logo, "image_id": before}}
    assert await image_of(engine, account, logo) == hero
    await engine.run(Call(done.undo["action"], done.undo["arguments"]), account)
    assert await image_of(engine, account, logo) == before


async def test_a_deleted_logo_is_made_again_of_its_image(engine: Engine, account: Account) -> None:
    logo = await named(engine, account, "get_brand_logos", "Main logo")
    before = await image_of(engine, account, logo)
    done = await engine.run(Call("delete_brand_logo", {"id": logo}), account)
    assert "another id" in done.undo["note"]
    await engine.run(Call(done.undo["action"], done.undo["arguments"]), account)
    again = await named(engine, account, "get_brand_logos", "Main logo")
    assert again != logo
    assert await image_of(engine, account, again) == before


async def test_email_defaults_go_back_to_the_logo_they_had(engine: Engine, account: Account) -> None:
    main = await named(engine, account, "get_brand_logos", "Main logo")
    old = await named(engine, account, "get_brand_logos", "Logo until 2023")
    change = {"id": COMPANY_ID, "brand_logo_id": old, "header": {"clear": ["logo_max_width"]}}
    done = await engine.run(Call("update_brand_email_default", change), account)
    assert done.undo["arguments"]["brand_logo_id"] == main
    assert done.undo["arguments"]["header"]["logo_max_width"] == 160
