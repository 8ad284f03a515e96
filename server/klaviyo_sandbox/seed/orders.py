"""A year of shopping: metrics, and the events of people who look and buy."""

from collections.abc import Callable, Iterator, Sequence
from random import Random

from klaviyo_sandbox.behaviour.events import event_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.people import Calendar, Person, make_id
from klaviyo_sandbox.seed.tables import Product, Shop

# Metric → the service whose integration it belongs to.
METRICS = {
    "Placed Order": "shopify",
    "Ordered Product": "shopify",
    "Fulfilled Order": "shopify",
    "Cancelled Order": "shopify",
    "Started Checkout": "shopify",
    "Viewed Product": "api",
    "Active on Site": "api",
    "Received Email": "klaviyo",
    "Opened Email": "klaviyo",
    "Clicked Email": "klaviyo",
    "Bounced Email": "klaviyo",
    "Unsubscribed from Email Marketing": "klaviyo",
    "Subscribed to Email Marketing": "klaviyo",
    "Marked Email as Spam": "klaviyo",
    "Received SMS": "klaviyo",
    "Subscribed to List": "klaviyo",
    "Clicked SMS": "klaviyo",
    "Failed to Deliver SMS": "klaviyo",
    "Unsubscribed from SMS Marketing": "klaviyo",
    "Viewed Form": "klaviyo",
    "Viewed Form Step": "klaviyo",
    "Submitted Form Step": "klaviyo",
    "Submitted Form": "klaviyo",
    "Closed Form": "klaviyo",
    "Qualified Form": "klaviyo",
}

Record = tuple[str, Json]


def shopping_events(
    random: Random, shop: Shop, people: Sequence[Person], metrics: dict[str, str], calendar: Calendar
) -> Iterator[Record]:
    """Everything around orders, person by person. Adds up what each person spent as it goes."""
    happened = _recorder(random, metrics, calendar)
    number = 1000
    for person in people:
        for moment in person.orders:
            number += 1
            basket = random.sample(shop.products, min(len(shop.products), 1 + int(random.expovariate(1.4))))
            quantities = [2 if random.random() < 0.12 else 1 for _ in basket]
            total = round(sum(p.price * q for p, q in zip(basket, quantities, strict=True)), 2)
            person.spent = round(person.spent + total, 2)
            if random.random() < 0.55:
                yield from happened(
                    person, "Viewed Product", moment - random.randrange(600, 5400), _viewed(basket[0], shop)
                )
            yield from happened(
                person, "Started Checkout", moment - random.randrange(60, 600), _checkout(basket, shop), total
            )
            items = [product.name for product in basket]
            order: Json = {
                "OrderId": f"{shop.account}-{number}",
                "Items": items,
                "Categories": sorted({product.category for product in basket}),
                "Item Count": sum(quantities),
                "Source Name": "web",
                "Discount Code": "WELCOME10" if moment == person.orders[0] and random.random() < 0.4 else None,
                "$currency_code": "USD",
            }
            yield from happened(person, "Placed Order", moment, order, total, str(number))
            for product, quantity in zip(basket, quantities, strict=True):
                line: Json = {
                    "OrderId": f"{shop.account}-{number}",
                    "ProductName": product.name,
                    "SKU": product.sku,
                    "Category": product.category,
                    "Quantity": quantity,
                }
                yield from happened(
                    person, "Ordered Product", moment, line, product.price * quantity, f"{number}:{product.sku}"
                )
            about: Json = {"OrderId": order["OrderId"]}
            metric, delay = ("Cancelled Order", 7200) if random.random() < 0.03 else ("Fulfilled Order", 2 * 86400)
            yield from happened(person, metric, moment + delay, about, total, str(number))
        if random.random() < 0.5:
            yield from happened(person, "Active on Site", calendar.moment(random), {"page": f"https://{shop.domain}/"})
        if random.random() < 0.35:
            product = random.choice(shop.products)
            seen = calendar.moment(random)
            yield from happened(person, "Viewed Product", seen, _viewed(product, shop))
            if random.random() < 0.3:
                yield from happened(person, "Started Checkout", seen + 300, _checkout([product], shop), product.price)


def _recorder(random: Random, metrics: dict[str, str], calendar: Calendar) -> Callable[..., Iterator[Record]]:
    """A function that yields an event, unless it lies in the future or did not take place."""

    def happened(
        person: Person,
        metric: str,
        at: int,
        properties: Json,
        value: float | None = None,
        unique: str = "",
        took_place: bool = True,
    ) -> Iterator[Record]:
        digest, identifier = random.randbytes(16), make_id(random, "eleven")
        if at > calendar.now or not took_place:
            return
        kept = {name: item for name, item in properties.items() if item is not None}
        kept["$event_id"] = unique or str(at)
        if value is not None:
            kept["$value"] = round(value, 2)
        body = event_body(person.id, metrics[metric], at, kept["$event_id"], kept, digest)
        latest = person.body["last_event_date"]
        if latest is None or latest < body["datetime"]:
            person.body["last_event_date"] = body["datetime"]
        yield identifier, body

    return happened


def _viewed(product: Product, shop: Shop) -> Json:
    return {
        "ProductName": product.name,
        "ProductID": product.sku,
        "Categories": [product.category],
        "URL": f"https://{shop.domain}/products/{product.sku.lower()}",
        "Price": product.price,
    }


def _checkout(basket: Sequence[Product], shop: Shop) -> Json:
    return {
        "ItemNames": [product.name for product in basket],
        "CheckoutURL": f"https://{shop.domain}/cart",
        "Categories": sorted({product.category for product in basket}),
    }
