"""Tasks about coupons, products, webhooks and what is bought."""

from datetime import UTC, datetime, timedelta

from bench.tasks.shop import JSON, Snapshot
from bench.tasks.task import MUST_NOT, Case, Task

COUPON = "AUTUMN20"
HOOK = "https://hooks.juniperandpine.example/klaviyo"

# 12


def _check_coupon(case: Case) -> None:
    identifier, body = case.one("coupon")
    case.equal("its name", body.get("external_id"), COUPON)
    codes = case.made("coupon_code")
    case.equal("how many codes there are", len({code["unique_code"] for code in codes.values()}), 25)
    case.expect(all(code.get("_coupon_id", identifier) == identifier for code in codes.values()), "codes of others")
    case.said("codes", {code["unique_code"] for code in codes.values()})
    case.made("coupon_code_bulk_create_job")
    case.links("coupon-code-bulk-create-job.coupon-codes")


# 15


def _check_price(case: Case) -> None:
    items = case.before.records("catalog_item")
    dearest = max(items, key=lambda one: items[one]["price"] or 0)
    variants = {
        one: body for one, body in case.before.records("catalog_variant").items() if body["_item_id"] == dearest
    }
    case.equal("its price", case.after.records("catalog_item")[dearest]["price"], items[dearest]["price"] + 5)
    case.equal("whether it is published", case.after.records("catalog_item")[dearest]["published"], True)
    for one, body in variants.items():
        case.equal(f"the price of {one}", case.after.records("catalog_variant")[one]["price"], body["price"] + 5)
    case.allow("catalog_item", dearest)
    case.allow("catalog_variant", *variants)
    for table in ("catalog_item_bulk_update_job", "catalog_variant_bulk_update_job"):
        case.made(table)
    case.said("product", items[dearest]["title"])
    case.said("sold_out", {body["sku"] for body in variants.values() if not body["inventory_quantity"]})


# 20


def _wanting(state: Snapshot) -> JSON:
    """A variant that is sold out, and a customer who does not wait for it yet."""
    variant = min(one for one, body in state.records("catalog_variant").items() if body["inventory_quantity"] == 0)
    waiting = {one["_profile_id"] for one in state.records("back_in_stock_subscription").values()}
    who = min(one for one, body in state.records("profile").items() if body["email"] and one not in waiting)
    product = state.records("catalog_item")[state.records("catalog_variant")[variant]["_item_id"]]["title"]
    return {"email": state.records("profile")[who]["email"], "product": product, "url": HOOK}


def _check_hook(case: Case) -> None:
    _, hook = case.one("webhook")
    case.equal("where it posts to", hook.get("_endpoint_url"), HOOK)
    topics, _ = case.links("webhook.topics")
    case.equal("its topics", topics, {"event:klaviyo.opened_email", "event:klaviyo.clicked_email"})
    _, waiting = case.one("back_in_stock_subscription")
    who = case.before.named("profile", case.given["email"], "email")
    variant = case.before.records("catalog_variant").get(str(waiting.get("_variant_id")), {})
    case.equal("who waits", waiting.get("_profile_id"), who)
    case.equal("how many are left of it", variant.get("inventory_quantity"), 0)
    title = case.before.records("catalog_item")[variant["_item_id"]]["title"] if variant else ""
    case.equal("the product", title, case.given["product"])
    case.said("variant", variant.get("sku"))
    case.allow("event", where=lambda change: change.was is None and who in str(change.now))
    case.allow("profile", who)


# 22


def _bought(_: Snapshot) -> JSON:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return {"email": "maya.lindqvist@example.org", "day": f"{yesterday:%Y-%m-%d}", "receipt": "TILL-20417"}


def _check_recorded(case: Case) -> None:
    who = case.before.named("profile", case.given["email"], "email")
    _, event = case.one("event")
    case.equal("whose it is", event.get("_profile_id"), who)
    metric = case.after.records("metric").get(str(event.get("_metric_id")), {})
    case.equal("its metric", metric.get("name"), "Placed Order")
    case.equal("its day", str(event.get("datetime"))[:10], case.given["day"])
    case.equal("its value", event.get("event_properties", {}).get("$value"), 58)
    case.said("recorded_once", True)
    # The till is not the web shop: its orders may be a metric of their own.
    case.made("metric")
    case.made("webhook_topic")
    case.allow("metric", str(event.get("_metric_id")))
    case.allow("profile", who)
    flows = {one: body["status"] for one, body in case.after.records("flow").items()}
    case.equal("the flows", flows, {one: body["status"] for one, body in case.before.records("flow").items()})


TASKS = (
    Task(
        12,
        "A coupon with codes",
        f"Set up a coupon {COUPON} for 20% off and make 25 unique codes for it. I need the codes as a list.",
        _check_coupon,
        (5, 5),
        {"codes": "all 25"},
    ),
    Task(
        15,
        "A dearer product",
        "Raise the price of our most expensive product by 5, for all its variants too, and make sure it is published. "
        "Which of its variants are out of stock?",
        _check_price,
        (6, 19),
        {"product": "its title", "sold_out": "the SKUs of its variants that are out of stock"},
    ),
    Task(
        20,
        "A webhook, and back in stock",
        "Our developers need a webhook to {url} whenever somebody opens or clicks one of our emails; make up a secret. "
        "And {email} would like an email when the sold-out {product} is back; sign them up for that.",
        _check_hook,
        (8, 44),
        {"variant": "the SKU of the variant they wait for"},
        _wanting,
    ),
    Task(
        22,
        "Yesterday's purchase, once",
        "{email} bought something in our shop yesterday, {day}, for 58 USD; the receipt is {receipt}. Record it as a "
        "Placed Order, but do not set off any flow by it. Then record it again the very same way, I want to see that "
        "it is there only once.",
        _check_recorded,
        (3, 1),
        {"recorded_once": "true or false"},
        _bought,
        must_not=(*MUST_NOT, "update_flow"),
    ),
)
