"""Campaigns and their messages in the form they had before 2026-10-15, on the records of `campaigns`."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.campaign_shapes import (
    CHANGED_DEFINITION,
    FLAT_MESSAGE,
    GROUPS,
    MESSAGE_RELATIONSHIPS,
    NEW_MESSAGE,
    READ_DEFINITION,
    READ_SETTINGS,
    SETTINGS,
    STATUSES,
    TEMPLATE_RELATIONSHIP,
)
from klaviyo_sandbox.api.common import JULY, MOMENT
from klaviyo_sandbox.behaviour import campaigns, earlier_campaigns
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Flag, Free, Items, Record, Text

CAMPAIGN, MESSAGE = "earlier-campaign", "earlier-campaign-message"
_SEND_TIMES = Items(Free(), nullable=True)
_KEPT_AS = {"definition": "_content", "created_at": "created", "updated_at": "updated"}

RESOURCES = (
    Resource(
        "campaign",
        Record(
            {
                "name": Text(),
                "status": Text(choices=STATUSES),
                "archived": Flag(),
                "audiences": Record({"included": Items(Text()), "excluded": GROUPS}),
                **READ_SETTINGS,
                "created_at": MOMENT,
                "scheduled_at": MOMENT,
                "updated_at": MOMENT,
                "send_time": MOMENT,
            }
        ),
        ids="ulid",
        relations=(
            Relation("campaign-messages", MESSAGE, foreign="campaign_id", data=True),
            Relation("tags", "tag", link="tag.campaigns", inverse=True),
        ),
        columns={
            "name": Column("name"),
            "created_at": Column("created_at", "moment", nullable=False),
            "scheduled_at": Column("scheduled_at", "moment"),
            "updated_at": Column("updated_at", "moment", nullable=False),
        },
        stored=False,
        key=CAMPAIGN,
    ),
    Resource(
        "campaign-message",
        Record({"definition": READ_DEFINITION, "send_times": _SEND_TIMES, "created_at": MOMENT, "updated_at": MOMENT}),
        ids="ulid",
        relations=(
            Relation("campaign", CAMPAIGN, column="campaign_id", data=True),
            Relation("template", "template", column="template_id"),
            Relation("image", "image", column="image_id"),
        ),
        columns={
            "campaign_id": Column("_campaign_id"),
            "template_id": Column("_template_id"),
            "image_id": Column("_image_id"),
        },
        kept_as=_KEPT_AS,
        stored=False,
        key=MESSAGE,
    ),
    Resource(
        "campaign-message",
        Record({**FLAT_MESSAGE, "send_times": _SEND_TIMES, "created_at": MOMENT, "updated_at": MOMENT}),
        ids="ulid",
        relations=(
            Relation("campaign", CAMPAIGN, column="campaign_id", data=True),
            Relation("template", "template", column="template_id", data=True),
        ),
        columns={"campaign_id": Column("_campaign_id"), "template_id": Column("_template_id")},
        stored=False,
        key="flat-campaign-message",
    ),
)

OPERATIONS = (
    Operation(
        "get_campaigns",
        CAMPAIGN,
        generic.list_resources,
        default_sort="-updated_at",
        required_filters=("messages.channel",),
        # A campaign may have messages on several channels.
        lookups={
            "messages.channel": Lookup(
                "m.channel",
                exists=(
                    "EXISTS (SELECT 1 FROM campaign_message AS m"
                    " WHERE m.account = r.account AND m.campaign_id = r.id AND {test})"
                ),
            )
        },
        past_only=True,
        revision=JULY,
    ),
    Operation("get_campaign", CAMPAIGN, generic.get_resource, revision=JULY),
    Operation(
        "create_campaign",
        CAMPAIGN,
        earlier_campaigns.create_campaign,
        body=Record(
            {
                "name": Text(shortest=1),
                "audiences": Record({"included": Items(Text()), "excluded": GROUPS}, required=("included",)),
                **SETTINGS,
                "campaign-messages": Record({"data": Items(NEW_MESSAGE, least=1)}, required=("data",)),
            },
            required=("name", "audiences", "campaign-messages"),
        ),
        revision=JULY,
    ),
    Operation(
        "update_campaign",
        CAMPAIGN,
        earlier_campaigns.update_campaign,
        body=Record(
            {
                "name": Text(shortest=1, nullable=True),
                "audiences": Record({"included": GROUPS, "excluded": GROUPS}),
                **SETTINGS,
            }
        ),
        identified="required",
        revision=JULY,
    ),
    Operation(
        "create_campaign_clone",
        CAMPAIGN,
        campaigns.clone_campaign,
        body=Record({"new_name": Text(shortest=1, nullable=True)}),
        identified="required",
        revision=JULY,
    ),
    Operation("get_messages_for_campaign", MESSAGE, generic.list_related, parent=CAMPAIGN, revision=JULY),
    Operation("get_message_ids_for_campaign", MESSAGE, generic.list_related_ids, parent=CAMPAIGN, revision=JULY),
    Operation("get_campaign_message", MESSAGE, generic.get_resource, revision=JULY),
    Operation("get_campaign_for_campaign_message", CAMPAIGN, generic.get_related, parent=MESSAGE, revision=JULY),
    Operation(
        "update_campaign_message",
        MESSAGE,
        earlier_campaigns.update_message,
        body=Record({"definition": CHANGED_DEFINITION}),
        body_relationships=MESSAGE_RELATIONSHIPS,
        identified="required",
        revision=JULY,
    ),
    # The newest revision still has these, for the template and the image of a message's first variation.
    Operation(
        "assign_template_to_campaign_message",
        "flat-campaign-message",
        earlier_campaigns.assign_template,
        brings=("template",),
        body=Record({}),
        body_relationships=TEMPLATE_RELATIONSHIP,
        identified="required",
    ),
    *(
        Operation(f"get_{kind}_for_campaign_message", kind, generic.get_related, parent=MESSAGE)
        for kind in ("template", "image")
    ),
    *(
        Operation(f"get_{kind}_id_for_campaign_message", kind, generic.get_related_id, parent=MESSAGE)
        for kind in ("template", "image")
    ),
    Operation(
        "update_image_for_campaign_message",
        "image",
        earlier_campaigns.replace_image,
        parent=MESSAGE,
        body=Record({}),
        identified="required",
        empty=True,
    ),
)
