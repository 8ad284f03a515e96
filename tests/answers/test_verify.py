"""`verify` finds what was written: each action's example is carried out in a sandbox, and then its verify."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.accounts.account import open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.answers.shape import shape
from klaviyo_mcp.klaviyo.errors import NotFound
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_sandbox import API_KEY, OTHER_API_KEY, create_app

MOST = 2_000
"""Characters that an answer to verify may have as JSON."""
ITEM, MUG = "$custom:::$default:::JP-BLANK-1", "$custom:::$default:::JP-BOTT-1"
SIZE, OTHER_SIZE = f"{ITEM}-ONE-SIZE", f"{MUG}-ONE-SIZE"
SHOP = {
    "VbT4kM": "DPzu2R",
    "Xy7PqL": "CVwZD4",
    "Rk7WqZ": "VW3FBi",
    "Tq7dLw": "CVwZD4",
    "SUMMER10": "WELCOME10",
    "$custom:::$default:::SHIRT-1": ITEM,
    "$custom:::$default:::MUG-3": MUG,
    "$custom:::$default:::SHIRT-1-M": SIZE,
    "$custom:::$default:::SHIRT-1-L": OTHER_SIZE,
    "$custom:::$default:::MUG-BLUE": SIZE,
    "$custom:::$default:::SUMMER": "$custom:::$default:::bags",
    "$custom:::$default:::SALE": "$custom:::$default:::camping",
}
"""The ids of the demo shop that stand in for those of the examples."""
FINDS = {
    "create_event": ("Placed Order", "ada@example.org"),
    "create_client_event": ("ada@example.org",),
    "bulk_create_events": ("Placed Order", "ada@example.org"),
    "create_back_in_stock_subscription": ("ada@example.org",),
    "create_client_back_in_stock_subscription": ("ada@example.org",),
    "bulk_subscribe_profiles": ("ada@example.org", "SUBSCRIBED"),
    "bulk_unsubscribe_profiles": ("@example.org",),
    "bulk_suppress_profiles": ("USER_SUPPRESSED",),
    "create_client_subscription": ("ada@example.org", "SUBSCRIBED"),
    "create_client_profile": ("ada@example.org", "Ada"),
    "bulk_import_profiles": ("complete", '"completed_count": 2'),
    "create_segment": ("Ordered in 90 days",),
    "publish_form": ('"status": "live"',),
    "unpublish_form": ('"status": "draft"',),
}
"""Words that stand in the answer to verify."""
GONE = {"request_profile_deletion", "bulk_delete_object_records", "merge_profiles"}
"""Actions whose verify shows that something is no longer there."""
WITH_VERIFY = [spec.name for spec in CATALOGUE if spec.result.verifications]


def stands_in(value: Any, shop: dict[str, str]) -> Any:
    """An example with the ids of the demo shop."""
    if isinstance(value, dict):
        return {key: stands_in(inner, shop) for key, inner in value.items()}
    if isinstance(value, list):
        return [stands_in(inner, shop) for inner in value]
    return shop.get(value, value) if isinstance(value, str) else value


async def made_for(name: str, call: Callable[..., Awaitable[dict[str, Any]]]) -> dict[str, str]:
    """What an example needs beforehand, made in the sandbox: the ids that stand in for those of the example."""
    if name == "merge_profiles":
        kept, gone = (record["id"] for record in (await call("get_profiles", {"page_size": 2}))["records"])
        return {"01JB8Z0K4T6M2N9RQ7C5D3X8VH": kept, "01JB8Z1M7V3P5S8TB2F6G9Y4WK": gone}
    if name == "draft_campaign":
        groups = (await call("get_segments", {}))["records"]
        templates = (await call("get_templates", {}))["records"]
        return {"Rk7WqZ": groups[0]["id"], "Wq8zRt": templates[0]["id"]}
    if name in ("publish_form", "unpublish_form"):
        forms = (await call("get_forms", {}))["records"]
        status = "draft" if name == "publish_form" else "live"
        return {"Y6nRLr": next(one["id"] for one in forms if one["status"] == status and not one["ab_test"])}
    if name in ("create_translation", "update_translation"):
        templates = (await call("get_templates", {}))["records"]
        translated = {one["id"] for one in (await call("get_translations", {}))["records"]}
        free = next(one["id"] for one in templates if f"template::email::{one['id']}" not in translated)
        if name == "update_translation":
            create = next(spec for spec in CATALOGUE if spec.name == "create_translation")
            await call(create.name, stands_in(create.examples[0].arguments, {"Wq8zRt": free}))
        ids = {"Wq8zRt": free, "template::email::Wq8zRt": f"template::email::{free}"}
        return {**ids, "template::Wq8zRt::body": f"template::{free}::body"}
    if name == "create_text_messaging_sender_registration":
        senders = (await call("get_text_messaging_senders", {}))["records"]
        return {"01JCW4R8P3M7V1X5Z9C2F6H0KQ": next(one["id"] for one in senders if one["sender_type"] == "toll_free")}
    if name == "request_profile_deletion":
        (person,) = (await call("get_profiles", {"page_size": 1}))["records"]
        return {"01JB8Z0K4T6M2N9RQ7C5D3X8VH": person["id"]}
    if name == "bulk_delete_object_records":
        kind = (await call("get_object_types", {}))["records"][0]["id"]
        record = (await call("get_records_for_object_type", {"id": kind}))["records"][0]["id"]
        return {"01K6A2XJ9QW4TNB7ZC5H8DMV3R:::pet-17": record}
    if name == "unregister_client_push_token":
        token = next(spec for spec in CATALOGUE if spec.name == "create_client_push_token")
        await call(token.name, token.examples[0].arguments)
    if "suppress" in name or "unsubscribe" in name:
        for email in ("ada@example.org", "grace@example.org"):
            await call("create_or_update_profile", {"email": email})
    if "campaign" not in name:
        return {}
    strategy = {"method": "static", "datetime": "2027-03-01T09:00:00Z"}
    message = {"channel": "email", "subject": "Hello", "from_email": "a@demo-shop.org", "from_label": "A"}
    draft = {"name": "T", "audiences": {"included": ["DPzu2R"]}, "messages": [message], "send_strategy": strategy}
    campaign = (await call("create_campaign", draft))["record"]["id"]
    message = (await call("get_messages_for_campaign", {"id": campaign}))["records"][0]["id"]
    template = (await call("create_template", {"name": "A", "editor_type": "CODE", "html": "<p>A</p>"}))["record"]["id"]
    await call("assign_template_to_campaign_message", {"id": message, "template_id": template})
    if name == "cancel_campaign_send":
        await call("send_campaign", {"id": campaign})
    if name == "update_campaign_message_schedule":
        time = {"strategy": "static", "send_time": "2090-12-01T09:00:00Z"}
        await call("schedule_campaign_message", {"campaign_message_id": message, **time})
    audience = (await call("get_audience_ids_for_campaign", {"id": campaign}))["ids"][0]
    variation = (await call("get_variation_ids_for_campaign_message", {"id": message}))["ids"][0]
    return {
        "01JCW4R8N2K6T0V5X9B3D7F1HM": campaign,
        "01JCW4R8P3M7V1X5Z9C2F6H0KQ": message,
        "01JCW4R8Q4N8W2Y6A0D3G7J1MS": audience,
        "01JCW4R8R5P9X3Z7B1E4H8K2NT": variation,
        "Wq8zRt": template,
    }


@pytest.mark.parametrize("name", WITH_VERIFY)
async def test_verify_finds_what_was_written(engine: Engine, name: str) -> None:
    app = create_app(rate_limits=False, job_seconds=0, estimation_seconds=0)
    endpoint = Endpoint("http://sandbox", HttpPool(httpx2.ASGITransport(app=app)), pace=False)
    # The demo shop sends text messages already.
    key = OTHER_API_KEY if name == "create_text_messaging_configuration" else API_KEY
    account = open_account("sandbox", endpoint, api_key=key, company_id="DEMO01")

    async def call(action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return shape(await engine.run(Call(action, arguments), account)).data

    arguments = stands_in(engine.find(name).spec.examples[0].arguments, {**SHOP, **await made_for(name, call)})
    asked = (await call(name, arguments))["verify"]
    try:
        found = json.dumps(await call(asked["action"], asked["arguments"]))
    except NotFound:
        assert name in GONE
        return
    assert len(found) < MOST
    assert ('"records": []' in found) is (name in GONE), found
    for words in FINDS.get(name, ()):
        assert words in found
