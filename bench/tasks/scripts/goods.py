"""Scripts for tasks about coupons, products, webhooks and what is bought."""

from random import SystemRandom

from bench.tasks.agents import AgentError
from bench.tasks.scripts.hand import Hand
from bench.tasks.shop import JSON
from bench.tasks.task import Answer

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_PRODUCTS = ("the most expensive product", "all products with prices")


async def coupon(hand: Hand) -> Answer:
    """Task 12."""
    made = await hand.run("create a coupon", "create_coupon", external_id="AUTUMN20", description="20% off")
    identifier = made["record"]["id"]
    draw = SystemRandom()
    codes = {"".join(draw.choices(_LETTERS, k=8)) for _ in range(25)}
    answer = await hand.run(
        "create unique coupon codes",
        "bulk_create_coupon_codes",
        coupon_codes=[{"coupon_id": identifier, "unique_code": code} for code in sorted(codes)],
    )
    await hand.job_done(answer)
    listed = await hand.records(
        "codes of a coupon",
        "get_coupon_codes",
        coupon_id=[identifier],
        **hand.shown("unique_code", otherwise={"coupon_code_fields": ["unique_code"]}),
    )
    return Answer(f"AUTUMN20 has {len(listed)} codes.", {"codes": [one["unique_code"] for one in listed]})


async def dearer(hand: Hand) -> Answer:
    """Task 15."""
    items = await hand.records(
        _PRODUCTS,
        "get_catalog_items",
        **hand.shown("title", "price", "published", otherwise={"catalog_item_fields": ["title", "price", "published"]}),
    )
    dearest = max(items, key=lambda one: one.get("price") or 0)
    variants = await hand.records(
        "variants of a product",
        "get_variants_for_catalog_item",
        id=dearest["id"],
        **hand.shown(
            "sku",
            "price",
            "inventory_quantity",
            otherwise={"catalog_variant_fields": ["sku", "price", "inventory_quantity"]},
        ),
    )
    change = "change the price of a product"
    await hand.run(change, "update_catalog_item", id=dearest["id"], price=dearest["price"] + 5, published=True)
    for one in variants:
        await hand.run("change a variant's price", "update_catalog_variant", id=one["id"], price=one["price"] + 5)
    sold_out = [one["sku"] for one in variants if not one["inventory_quantity"]]
    return Answer(f"{dearest['title']} is dearer by 5.", {"product": dearest["title"], "sold_out": sold_out})


async def hook(hand: Hand) -> Answer:
    """Task 20."""
    topics = await hand.records(("webhook topics",), "get_webhook_topics")
    wanted = [one["id"] for one in topics if one["id"].endswith((".opened_email", ".clicked_email"))]
    secret = "".join(SystemRandom().choices(_LETTERS, k=24))
    await hand.run(
        "create a webhook",
        "create_webhook",
        name="Opens and clicks",
        endpoint_url=hand.given["url"],
        secret_key=secret,
        webhook_topic_ids=wanted,
    )
    if hand.lists("find"):
        product = hand.given["product"]
        (item,) = (await hand.run("find a product", "find", text=product, kinds=["catalog_item"]))["hits"]
    else:
        (item,) = await hand.records(
            "find a product by its name",
            "get_catalog_items",
            filter=[{"field": "title", "operator": "contains", "value": hand.given["product"]}],
            **hand.shown("title", otherwise={"catalog_item_fields": ["title"]}),
        )
    variants = await hand.records(
        "variants of a product",
        "get_variants_for_catalog_item",
        id=item["id"],
        **hand.shown("sku", "inventory_quantity", otherwise={"catalog_variant_fields": ["sku", "inventory_quantity"]}),
    )
    sold_out = [one for one in variants if one["inventory_quantity"] == 0]
    if len(sold_out) != 1:
        raise AgentError(f"{len(sold_out)} variants are sold out.")
    await hand.run(
        "sign a person up for back in stock",
        "create_back_in_stock_subscription",
        variant_id=sold_out[0]["id"],
        profile={"email": hand.given["email"]},
        channels=["EMAIL"],
    )
    return Answer(f"The secret is {secret}.", {"variant": sold_out[0]["sku"]})


async def record(hand: Hand) -> Answer:
    """Task 22."""
    receipt = hand.given["receipt"]
    event: JSON = {
        "metric": {"name": "Placed Order"},
        "profile": {"email": hand.given["email"]},
        "unique_id": receipt,
        "time": f"{hand.given['day']}T12:00:00Z",
        "value": 58,
        "value_currency": "USD",
        "properties": {"Receipt": receipt, "Source": "In store"},
        "backfill": True,
    }
    await hand.run("record a purchase", "create_event", **event)
    answer = await hand.run("record a purchase", "create_event", **event)
    seen = await hand.follow(answer["verify"])
    return Answer("It is there once.", {"recorded_once": len(seen["records"]) == 1})


SCRIPTS = {12: coupon, 15: dearer, 20: hook, 22: record}
