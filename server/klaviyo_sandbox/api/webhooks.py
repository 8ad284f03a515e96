"""Webhooks: where an account's events are posted to, and the topics there are."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import webhooks
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Flag, Free, Items, Number, Record, Shape, Text

RESOURCES = (
    Resource(
        "webhook",
        Record(
            {
                "name": Text(),
                "description": STRING,
                "endpoint_url": Text(),
                "enabled": Flag(),
                "created_at": MOMENT,
                "updated_at": MOMENT,
            }
        ),
        ids="ulid",
        relations=(Relation("webhook-topics", "webhook-topic", link="webhook.topics", data=True, links="none"),),
        defaults={"description": None, "enabled": True},
        stamps=("created_at", "updated_at"),
        precision="microsecond",
        columns={"enabled": Column("enabled", "flag")},
    ),
    Resource(
        "webhook-topic",
        Record({}),
        ids="chosen",
        relations=(Relation("webhooks", "webhook", link="webhook.topics", inverse=True, hidden=True),),
        stamps=("", ""),
    ),
    # What was posted, or why it was not; the API does not show these.
    Resource(
        "webhook-delivery",
        Record(
            {
                "webhook": Text(),
                "url": Text(),
                "status": Text(choices=("pending", "delivered", "failed", "not delivered")),
                "response_status": Number(whole=True, nullable=True),
                "error": STRING,
                "attempt": Number(whole=True),
                "at": MOMENT,
                "headers": Free(),
                "body": Text(),
            }
        ),
        ids="ulid",
        columns={"webhook": Column("webhook")},
        stamps=("", ""),
    ),
)

_ENTITLEMENT = "webhooks"
_SECRET = 16
_TOPIC = Record({"type": Text(choices=("webhook-topic",)), "id": Text(shortest=1)}, required=("type", "id"))
_TOPICS = Record({"data": Items(_TOPIC)}, required=("data",))
_OPTIONAL: dict[str, Shape] = {
    "name": Text(shortest=1, nullable=True),
    "description": STRING,
    "endpoint_url": Text(shortest=1, nullable=True),
    "secret_key": Text(shortest=_SECRET, nullable=True),
    "enabled": Flag(nullable=True),
}

OPERATIONS = (
    Operation("get_webhooks", "webhook", generic.list_resources, neighbours=True, entitlement=_ENTITLEMENT),
    Operation(
        "create_webhook",
        "webhook",
        webhooks.create_webhook,
        body=Record(
            {
                "name": Text(shortest=1),
                "description": STRING,
                "endpoint_url": Text(shortest=1),
                "secret_key": Text(shortest=_SECRET),
            },
            required=("name", "endpoint_url", "secret_key"),
        ),
        body_relationships=Record({"webhook-topics": _TOPICS}, required=("webhook-topics",)),
        entitlement=_ENTITLEMENT,
    ),
    Operation("get_webhook", "webhook", generic.get_resource, entitlement=_ENTITLEMENT),
    Operation(
        "update_webhook",
        "webhook",
        webhooks.update_webhook,
        body=Record(_OPTIONAL),
        body_relationships=Record({"webhook-topics": _TOPICS}),
        identified="required",
        entitlement=_ENTITLEMENT,
    ),
    Operation("delete_webhook", "webhook", generic.delete_resource, empty=True, entitlement=_ENTITLEMENT),
    Operation("get_webhook_topics", "webhook-topic", generic.list_resources, neighbours=True, entitlement=_ENTITLEMENT),
    Operation("get_webhook_topic", "webhook-topic", generic.get_resource, entitlement=_ENTITLEMENT),
)

WORK = {"webhook": webhooks.deliver}
