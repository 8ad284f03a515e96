"""The demo shops a new sandbox is filled with: the same seed makes the same people and ids; times follow the clock."""

from datetime import datetime
from random import Random

from klaviyo_sandbox.auth import COMPANY_ID, OTHER_COMPANY_ID
from klaviyo_sandbox.behaviour.events import metric_integration
from klaviyo_sandbox.calls import Session, World
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed import (
    audience,
    brands,
    campaigns,
    catalog,
    content,
    custom_objects,
    form_events,
    marketing,
    messages,
    orders,
    settings,
    signups,
    states,
    text_messaging,
    translations,
)
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import Calendar, Person, make_people
from klaviyo_sandbox.seed.tables import JUNIPER, LUMEN, Shop

_SHOPS = (
    Shop(
        COMPANY_ID,
        "Juniper & Pine",
        "juniperandpine.example",
        "Outdoor and home goods",
        "America/Los_Angeles",
        ("18 Alder Street", "Portland", "Oregon", "US", "97205"),
        JUNIPER,
    ),
    Shop(
        OTHER_COMPANY_ID,
        "Lumen Coffee",
        "lumencoffee.example",
        "Food and drink",
        "Europe/Berlin",
        ("Torstrasse 9", "Berlin", "Berlin", "DE", "10119"),
        LUMEN,
    ),
)
_SMALLER_BY = 20
# A shop larger than this has written to so many only; else messages would be most of what there is to fill.
_MOST_WRITTEN_TO = 10_000


def seed_sandbox(world: World, seed: int, profiles: int, now: datetime) -> None:
    """Fill an empty store: Juniper & Pine with so many `profiles`, and a smaller company of its own."""
    for number, shop in enumerate(_SHOPS):
        count = profiles if number == 0 else max(1, profiles // _SMALLER_BY)
        random = Random(f"{seed}:{shop.account}")  # noqa: S311 - it invents customers, not secrets
        _make_shop(world, shop, random, count, now)


def _make_shop(world: World, shop: Shop, random: Random, count: int, now: datetime) -> None:
    calendar = Calendar(now)
    ground = Ground(world.store, shop, random, calendar.now)
    world.store.insert(shop.account, "account", shop.account, _account(shop))
    metrics = {
        name: ground.add(
            "metric",
            {
                "name": name,
                "created": ground.ago(700),
                "updated": ground.ago(1),
                "integration": metric_integration(service),
            },
        )
        for name, service in orders.METRICS.items()
    }
    people = make_people(random, shop, count, calendar)
    chosen = states.cast(people) if shop.account == COMPANY_ID else {}
    # Events are stored as they are made, so that a large shop never has to fit in memory.
    shopping = orders.shopping_events(random, shop, people, metrics, calendar)
    world.store.insert_many(shop.account, "event", shopping, ignore=True)
    lists = marketing.make_lists(ground, people)
    segments = marketing.make_segments(ground, people, metrics, lists)
    templates = marketing.make_templates(ground)
    made = campaigns.make_campaigns(ground, lists, segments, templates, campaigns.CAMPAIGNS)
    groups = {"metric": metrics, "list": lists, "segment": segments}
    flows = marketing.make_flows(ground, groups, templates, marketing.FLOWS)
    written_to = people[:_MOST_WRITTEN_TO]
    sent = [sending for sending in made.values() if sending[1]]
    messages.make_campaign_events(ground, sent, written_to, metrics)
    messages.make_flow_events(ground, flows, written_to, metrics)
    settings.make_settings(ground, metrics)
    settings.make_conversations(ground, people)
    catalog.make_catalog(ground, people, metrics["Ordered Product"])
    _store_people(ground, people)
    audience.make_audience(ground, people, lists)
    marketing.make_tags(
        ground,
        {
            "Newsletter": {"campaigns": [made["Autumn newsletter"][0]], "lists": [lists["Newsletter"]]},
            "Automation": {"flows": list(flows.values())},
            "VIP": {"lists": [lists["VIP customers"]], "segments": [segments["Big spenders"]]},
            "Winter": {"campaigns": [made["Winter gift guide"][0], made["Holiday preview"][0]]},
            "Summer": {"campaigns": [made["Summer camping checklist"][0], made["Late summer sale"][0]]},
        },
    )
    if shop.account == COMPANY_ID:
        # A source of chance of its own: the rest of the shop does not depend on what is rare.
        apart = Ground(world.store, shop, Random(f"states:{shop.account}:{lists['Newsletter']}"), calendar.now)  # noqa: S311
        campaigns.make_campaigns(apart, lists, segments, templates, states.CAMPAIGNS)
        marketing.make_flows(apart, groups, templates, states.FLOWS)
        states.finish_cast(ground, chosen, lists["Newsletter"])
    content.make_content(ground, lists)
    form_events.make_form_events(ground, people, metrics)
    signups.make_signups(ground, people, metrics)
    custom_objects.make_custom_objects(ground, people)
    brands.make_brand(ground)
    brands.make_plan(ground)
    if shop.account == COMPANY_ID:
        lately = Ground(world.store, shop, Random(f"lately:{shop.account}:{lists['Newsletter']}"), calendar.now)  # noqa: S311
        translations.make_translations(lately, Session(world, shop.account, now), templates["Monthly newsletter"])
        if world.entitled("sms"):
            text_messaging.make_text_messaging(lately)


def _account(shop: Shop) -> Json:
    street, city, region, country, code = shop.address
    return {
        "test_account": True,
        "contact_information": {
            "default_sender_name": shop.name,
            "default_sender_email": shop.sender,
            "website_url": f"https://{shop.domain}",
            "organization_name": shop.name,
            "street_address": {
                "address1": street,
                "address2": None,
                "city": city,
                "region": region,
                "country": country,
                "zip": code,
            },
        },
        "industry": shop.industry,
        "timezone": shop.timezone,
        "preferred_currency": "USD",
        "public_api_key": shop.account,
        "locale": "en-US",
    }


def _store_people(ground: Ground, people: list[Person]) -> None:
    """The profiles, with what their orders say about them, their consent and their suppressions."""
    account, random = ground.shop.account, ground.random
    consents: list[tuple[str | int | None, ...]] = []
    suppressions: list[tuple[str | int, ...]] = []
    for person in people:
        count = len(person.orders)
        person.body["properties"] = {
            "Favourite category": random.choice(ground.shop.products).category,
            "Loyalty tier": "Gold" if person.spent > 500 else "Silver" if count > 1 else "Bronze",
            "Orders": count,
            "Total spent": person.spent,
            "Days since last order": (ground.now - person.orders[-1]) // 86400 if count else None,
        }
        person.body["updated"] = person.body["last_event_date"] or person.body["created"]
        created = person.body["created"]
        unsubscribed = person.suppression == "UNSUBSCRIBE"
        if person.email_consent or unsubscribed:
            status = "UNSUBSCRIBED" if unsubscribed else "SUBSCRIBED"
            row = (account, person.id, "email.marketing", status, created, created, created, "PREFERENCE_PAGE", None, 1)
            consents.append(row)
        if person.sms_consent:
            row = (account, person.id, "sms.marketing", "SUBSCRIBED", created, created, created, "FORM", None, 0)
            consents.append(row)
        if person.suppression:
            at = min(person.created + random.randrange(86400, 300 * 86400), ground.now) * 1_000_000
            suppressions.append((account, person.id, "", person.suppression, at))
    ground.store.insert_many(account, "profile", ((person.id, person.body) for person in people))
    ground.store.run_many("INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", consents)
    ground.store.run_many("INSERT INTO suppression VALUES (?, ?, ?, ?, ?)", suppressions)
