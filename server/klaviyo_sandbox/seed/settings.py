"""What a demo shop has set up: mapped and custom metrics, tracking parameters, web feeds, webhook topics."""

from collections.abc import Sequence

from klaviyo_sandbox.behaviour.mapped_metrics import MAPPINGS, mapping
from klaviyo_sandbox.behaviour.tracking_settings import default_settings
from klaviyo_sandbox.behaviour.webhooks import TOPICS, topic_of
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.orders import METRICS
from klaviyo_sandbox.seed.people import Person, make_id

# Name, path on the shop's site, format, how many days old.
_FEEDS = (("Bestsellers", "feeds/bestsellers.json", "json", 400), ("Trail_journal", "journal/rss.xml", "xml", 130))


def make_conversations(ground: Ground, people: Sequence[Person]) -> None:
    """Text conversations with a few of those who have a phone number."""
    for person in [person for person in people if person.body["phone_number"] and person.sms_consent][:6]:
        ground.add("conversation", {"channel": "sms", "_profile_id": person.id})


def make_settings(ground: Ground, metrics: dict[str, str]) -> None:
    """Settings of the account; `metrics` is name → id."""
    store, account = ground.store, ground.shop.account
    store.insert(account, "tracking-setting", account, default_settings())
    services = ((name, service) for name, service in METRICS.items() if service != "klaviyo")
    own = dict.fromkeys(topic_of(name, service) for name, service in services)
    store.insert_many(account, "webhook-topic", ((topic, {}) for topic in (*TOPICS, *own)))
    store.insert_many(
        account,
        "mapped-metric",
        ((kind, mapping(metrics.get(name), None, ground.written(360))) for kind, name in MAPPINGS.items()),
    )
    for name, path, content_type, age in _FEEDS:
        feed: Json = {
            "name": name,
            "url": f"https://{ground.shop.domain}/{path}",
            "request_method": "get",
            "content_type": content_type,
            "created": ground.ago(age),
            "updated": ground.ago(age / 3),
            "status": "ok",
        }
        ground.add("web-feed", feed, "seven_digits")
    group: Json = {
        "metric_id": metrics["Placed Order"],
        "metric_filters": [
            {"property": "Item Count", "filter": {"type": "numeric", "operator": "greater-than-or-equal", "value": 3}}
        ],
        "value_property": "$value",
    }
    custom: Json = {
        "name": "Large orders",
        "created": ground.ago(200),
        "updated": ground.ago(90),
        "definition": {"aggregation_method": "value", "metric_groups": [group]},
    }
    identifier = make_id(ground.random, "ulid", 200)
    store.insert(account, "custom-metric", identifier, custom)
    store.link(account, "custom-metric.metrics", identifier, [group["metric_id"]], ground.now * 1_000_000)
