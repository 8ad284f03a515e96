"""What a demo shop sells: its catalogue, its coupons, and what customers say about its products."""

from collections.abc import Sequence
from random import Random

from klaviyo_sandbox.behaviour.back_in_stock import METRIC
from klaviyo_sandbox.behaviour.catalogs import CATEGORY, CONTENTS, ITEM, VARIANT, entry_id
from klaviyo_sandbox.behaviour.events import event_body, metric_integration
from klaviyo_sandbox.clock import iso, moment_of
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import Person, make_id
from klaviyo_sandbox.seed.tables import Product, Shop

_DAY = 86400
_REVIEWED = "Submitted Review"
_OPTIONS = {
    "Clothing": ("S", "M", "L", "XL"),
    "Bags": ("Moss", "Charcoal"),
    "Coffee": ("Whole bean", "Ground"),
}
_CARE = {
    "Camping": "Made for nights outside, in any season.",
    "Kitchen": "Made for camp kitchens and everyday tables.",
    "Home": "Brings a little of the forest indoors.",
    "Bags": "Carries a day's worth of everything, rain or shine.",
    "Clothing": "Cut for moving and made to be repaired.",
    "Coffee": "Roasted in small batches every Tuesday.",
    "Equipment": "Everything a good cup needs, and nothing else.",
}
_COUPONS = (
    ("WELCOME10", "10% off the first order", "500"),
    ("TRAIL20", "20% off everything, for regular customers", "200"),
    ("FREESHIP", "Free shipping on orders over $50", None),
)
# Rating, title, what is said, and the sentence worth quoting.
_OPINIONS = (
    (5, "Could not be happier", "I have used it every weekend since. Beautifully made.", "Beautifully made."),
    (5, "A gift that landed", "Bought one for my sister and now I need my own.", "Now I need my own."),
    (4, "Very good", "Solid and handsome. Shipping took a week, so one star less.", "Solid and handsome."),
    (4, "Would buy again", "Does what it should. The colour is a bit darker than in the photo.", None),
    (3, "It is fine", "Decent, but for the price I had hoped for a little more.", None),
    (2, "Not for me", "Smaller than I thought, please check the measurements.", None),
    (1, "Came damaged", "The box was crushed. Support sent a new one within two days.", None),
)
_STATUSES: tuple[Json, ...] = (
    *({"value": "published"} for _ in range(7)),
    {"value": "featured"},
    {"value": "pending"},
    {"value": "unpublished"},
    {"value": "rejected", "rejection_reason": {"reason": "private_information"}},
)
_REVIEWS, _CODES, _WAITING = 48, 40, 6


def make_catalog(ground: Ground, people: Sequence[Person], ordered: str) -> None:
    """Everything of this module. `ordered` is the id of the metric whose events say who bought what."""
    # A source of chance of its own: what other parts of the shop look like does not depend on this one.
    random = Random(f"catalog:{people[0].id if people else ''}")  # noqa: S311 - it invents a catalogue, not secrets
    apart = Ground(ground.store, ground.shop, random, ground.now)
    sold_out = _make_products(apart)
    _make_coupons(apart, people)
    by_id = {person.id: person for person in people}
    _make_reviews(apart, by_id, ordered)
    _make_waiting(apart, people, sold_out)


def _make_products(ground: Ground) -> list[tuple[str, Json]]:
    """Items, variants and categories. Returns the variants that are out of stock."""
    shop, random, store = ground.shop, ground.random, ground.store
    items: list[tuple[str, Json]] = []
    variants: list[tuple[str, Json]] = []
    members: dict[str, list[str]] = {}
    for number, product in enumerate(shop.products):
        item, body = entry_id(product.sku), _item(ground, product, 640 - 20 * number)
        items.append((item, body))
        members.setdefault(product.category, []).append(item)
        for option in _OPTIONS.get(product.category, ("One size",)):
            external = f"{product.sku}-{option.upper().replace(' ', '-')}"
            quantity = 0 if random.random() < 0.1 or len(variants) == 3 else random.randrange(3, 140)
            fields: Json = {
                "external_id": external,
                "title": product.name if option == "One size" else f"{product.name}, {option}",
                "sku": external,
                "inventory_policy": 1,
                "inventory_quantity": quantity,
                "custom_metadata": {"option": option},
                "_item_id": item,
            }
            variants.append((entry_id(external), {**body, **fields}))
    members["Bestsellers"] = [item for item, _ in items[:5]]
    members["New arrivals"] = [item for item, _ in items[-3:]]
    store.insert_many(shop.account, ITEM, items)
    store.insert_many(shop.account, VARIANT, variants)
    for name, contents in members.items():
        category = entry_id(name.lower().replace(" ", "-"))
        made = ground.written(660)
        body = {"external_id": name.lower().replace(" ", "-"), "name": name, "_created": made, "updated": made}
        store.insert(shop.account, CATEGORY, category, body)
        store.link(shop.account, CONTENTS, category, contents, (ground.now - 600 * _DAY) * 1_000_000)
    return [(identifier, body) for identifier, body in variants if body["inventory_quantity"] == 0]


def _item(ground: Ground, product: Product, age: float) -> Json:
    image = f"https://{ground.shop.domain}/images/{product.sku.lower()}"
    return {
        "external_id": product.sku,
        "title": product.name,
        "description": f"{product.name}. {_CARE[product.category]}",
        "price": product.price,
        "url": _address(ground.shop, product.sku),
        "image_full_url": f"{image}.jpg",
        "image_thumbnail_url": f"{image}-small.jpg",
        "images": [f"{image}.jpg"],
        "custom_metadata": {"collection": product.category},
        "published": True,
        "created": ground.written(age),
        "updated": ground.written(age / 20),
    }


def _address(shop: Shop, sku: str) -> str:
    return f"https://{shop.domain}/products/{sku.lower()}"


def _make_coupons(ground: Ground, people: Sequence[Person]) -> None:
    """The coupons, and codes of all but the last: some given to subscribers, some of those used."""
    account, random = ground.shop.account, ground.random
    subscribers = [person for person in people if person.email_consent]
    for number, (name, description, threshold) in enumerate(_COUPONS):
        monitor = {"low_balance_threshold": threshold} if threshold else None
        body: Json = {"external_id": name, "description": description, "monitor_configuration": monitor}
        body["_created"] = ground.written(500 - 90 * number)
        ground.store.insert(account, "coupon", name, body)
    codes: list[tuple[str, Json]] = []
    for name, _, _ in _COUPONS[:2]:
        holders = random.sample(subscribers, min(len(subscribers), _CODES // 2))
        for number in range(_CODES):
            code = make_id(random, "eleven").upper()
            holder = holders[number] if number < len(holders) else None
            used = holder is not None and bool(holder.orders) and random.random() < 0.5
            status = "USED" if used else "ASSIGNED_TO_PROFILE" if holder else "UNASSIGNED"
            entry: Json = {
                "unique_code": code,
                "expires_at": ground.ago(number - 330),
                "status": status,
                "_coupon_id": name,
                "_profile_id": holder.id if holder else None,
            }
            codes.append((f"{name}-{code}", entry))
    ground.store.insert_many(account, "coupon-code", codes)


def _make_reviews(ground: Ground, people: dict[str, Person], ordered: str) -> None:
    """Reviews of what was bought lately, each with the event of its being written."""
    account, random, store = ground.shop.account, ground.random, ground.store
    metric = _metric(ground, _REVIEWED)
    # Every id and chance is drawn first, so that none depends on how many orders there are by now.
    drawn = [(make_id(random, "digits"), make_id(random, "eleven"), random.random()) for _ in range(_REVIEWS)]
    sql = "SELECT profile_id, at, body ->> '$.event_properties.SKU' FROM event "
    sql += "WHERE account = ? AND metric_id = ? AND at < ? ORDER BY at DESC, id LIMIT ?"
    until = (ground.now - 6 * _DAY) * 1_000_000
    bought = store.rows(sql, (account, ordered, until, _REVIEWS))
    products = {product.sku: product for product in ground.shop.products}
    reviews: list[tuple[str, Json]] = []
    events: list[tuple[str, Json]] = []
    for (identifier, event, chance), (profile, at, sku) in zip(drawn, bought, strict=False):
        person, product = people[profile], products[sku]
        moment = at // 1_000_000 + _DAY + int(chance * 4 * _DAY)
        review = _review(ground, person, product, moment, chance, len(reviews))
        reviews.append((identifier, review))
        properties: Json = {"ProductName": product.name, "Rating": review["rating"], "ReviewID": identifier}
        events.append((event, _happened(ground, person, metric, moment, identifier, properties)))
        store.link(account, "review.events", identifier, [event], moment * 1_000_000)
    store.insert_many(account, "review", reviews)
    store.insert_many(account, "event", events)


def _review(ground: Ground, person: Person, product: Product, moment: int, chance: float, number: int) -> Json:
    # Most people are content: squaring leans towards the front of the list.
    rating, title, content, quote = _OPINIONS[int(chance * chance * len(_OPINIONS))]
    kind = "question" if number % 12 == 7 else "rating" if number % 9 == 4 else "review"
    written = iso(moment_of(moment * 1_000_000))
    answered = kind == "review" and rating < 3
    reply: Json = {"content": "Sorry about that. We have written to you.", "author": ground.shop.name}
    return {
        "email": person.email,
        "status": _STATUSES[number % len(_STATUSES)],
        "verified": True,
        "review_type": kind,
        "created": written,
        "updated": written,
        "images": [],
        "product": {
            "url": _address(ground.shop, product.sku),
            "name": product.name,
            "image_url": f"https://{ground.shop.domain}/images/{product.sku.lower()}.jpg",
            "external_id": product.sku,
        },
        "rating": None if kind == "question" else rating,
        "author": f"{person.body['first_name']} {person.body['last_name'][0]}.",
        "content": {"question": "Does it come in other colours?", "rating": None}.get(kind, content),
        "title": title if kind == "review" else None,
        "smart_quote": quote if kind == "review" else None,
        "public_reply": {**reply, "updated": iso(moment_of((moment + _DAY) * 1_000_000))} if answered else None,
        "_item_id": entry_id(product.sku),
    }


def _make_waiting(ground: Ground, people: Sequence[Person], sold_out: Sequence[tuple[str, Json]]) -> None:
    """A few people who want to know when something is in stock again."""
    account, random = ground.shop.account, ground.random
    metric = _metric(ground, METRIC)
    for number, person in enumerate(random.sample(people, min(len(people), _WAITING))):
        variant, body = sold_out[number % len(sold_out)]
        moment = ground.now - (number + 1) * 3 * _DAY
        entry: Json = {
            "channels": ["EMAIL"],
            "_profile_id": person.id,
            "_variant_id": variant,
            "_created": iso(moment_of(moment * 1_000_000)),
        }
        ground.store.insert(account, "back-in-stock-subscription", make_id(random, "ulid", number), entry)
        properties: Json = {
            "VariantID": body["external_id"],
            "VariantName": body["title"],
            "SKU": body["sku"],
            "Channels": entry["channels"],
        }
        event = _happened(ground, person, metric, moment, f"{body['external_id']}:{moment}", properties)
        ground.store.insert(account, "event", make_id(random, "eleven"), event)


def _metric(ground: Ground, name: str) -> str:
    created, updated = ground.ago(700), ground.ago(1)
    integration = metric_integration("klaviyo")
    return ground.add("metric", {"name": name, "created": created, "updated": updated, "integration": integration})


def _happened(ground: Ground, person: Person, metric: str, moment: int, unique: str, properties: Json) -> Json:
    kept = {name: value for name, value in {**properties, "$event_id": unique}.items() if value is not None}
    body = event_body(person.id, metric, moment, unique, kept, ground.random.randbytes(16))
    latest = person.body["last_event_date"]
    if latest is None or latest < body["datetime"]:
        person.body["last_event_date"] = body["datetime"]
    return body
