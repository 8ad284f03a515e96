"""Campaigns, their messages, how many people they would reach, and sending them."""

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
from klaviyo_sandbox.behaviour import campaign_messages, campaigns, estimation, sending
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Flag, Free, Items, Number, Record, Text

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
            Relation("campaign-messages", "campaign-message", foreign="campaign_id", data=True),
            Relation("tags", "tag", link="tag.campaigns", inverse=True),
        ),
        defaults=campaigns.DEFAULTS,
        stamps=("created_at", "updated_at"),
        precision="microsecond",
        columns={
            "name": Column("name"),
            "status": Column("status"),
            "archived": Column("archived", "flag"),
            "channel": Column("_channel"),
            "created_at": Column("created_at", "moment", nullable=False),
            "scheduled_at": Column("scheduled_at", "moment"),
            "updated_at": Column("updated_at", "moment", nullable=False),
        },
        indexes=(("channel", "id"), ("name", "id"), ("created_at", "id"), ("scheduled_at", "id"), ("updated_at", "id")),
        owns=(("campaign-message", "campaign_id"),),
    ),
    Resource(
        "campaign-message",
        Record(
            {
                "definition": READ_DEFINITION,
                "send_times": Items(Free(), nullable=True),
                "created_at": MOMENT,
                "updated_at": MOMENT,
            }
        ),
        ids="ulid",
        relations=(
            Relation("campaign", "campaign", column="campaign_id", data=True),
            Relation("template", "template", column="template_id"),
            Relation("image", "image", column="image_id"),
        ),
        stamps=("created_at", "updated_at"),
        precision="microsecond",
        columns={
            "campaign_id": Column("_campaign_id"),
            "template_id": Column("_template_id"),
            "image_id": Column("_image_id"),
        },
        indexes=(("campaign_id", "id"),),
        owns=(("template", "owner_id"),),
    ),
    Resource(
        "campaign-message",
        Record(
            {**FLAT_MESSAGE, "send_times": Items(Free(), nullable=True), "created_at": MOMENT, "updated_at": MOMENT}
        ),
        ids="ulid",
        relations=(
            Relation("campaign", "campaign", column="campaign_id", data=True),
            Relation("template", "template", column="template_id", data=True),
        ),
        columns={"campaign_id": Column("_campaign_id"), "template_id": Column("_template_id")},
        stored=False,
        key="flat-campaign-message",
    ),
    Resource("campaign-send-job", Record({"status": Text(choices=sending.JOB_STATUSES)}), ids="ulid", stamps=("", "")),
    Resource(
        "campaign-recipient-estimation-job",
        Record({"status": Text()}),
        ids="ulid",
        stamps=("", ""),
    ),
    Resource(
        "campaign-recipient-estimation",
        Record({"estimated_recipient_count": Number(whole=True)}),
        ids="ulid",
        stamps=("", ""),
    ),
)

OPERATIONS = (
    Operation(
        "get_campaigns",
        "campaign",
        generic.list_resources,
        default_sort="-updated_at",
        required_filters=("messages.channel",),
        lookups={"messages.channel": Lookup("channel")},
        past_only=True,
        revision=JULY,
    ),
    Operation(
        "get_campaign",
        "campaign",
        generic.get_resource,
        revision=JULY,
    ),
    Operation(
        "create_campaign",
        "campaign",
        campaigns.create_campaign,
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
        "campaign",
        campaigns.update_campaign,
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
    Operation("delete_campaign", "campaign", campaigns.delete_campaign, empty=True),
    Operation(
        "get_messages_for_campaign",
        "campaign-message",
        generic.list_related,
        parent="campaign",
        revision=JULY,
    ),
    Operation(
        "get_campaign_message",
        "campaign-message",
        generic.get_resource,
        revision=JULY,
    ),
    Operation(
        "get_campaign_for_campaign_message", "campaign", generic.get_related, parent="campaign-message", revision=JULY
    ),
    Operation("get_template_for_campaign_message", "template", generic.get_related, parent="campaign-message"),
    Operation("get_image_for_campaign_message", "image", generic.get_related, parent="campaign-message"),
    Operation(
        "refresh_campaign_recipient_estimation",
        "campaign-recipient-estimation-job",
        estimation.refresh,
        body=Record({}),
        identified="required",
    ),
    Operation("get_campaign_recipient_estimation_job", "campaign-recipient-estimation-job", generic.get_resource),
    Operation("get_campaign_recipient_estimation", "campaign-recipient-estimation", estimation.get_estimation),
    Operation(
        "create_campaign_clone",
        "campaign",
        campaigns.clone_campaign,
        body=Record({"new_name": Text(shortest=1, nullable=True)}),
        identified="required",
        revision=JULY,
    ),
    Operation("get_tags_for_campaign", "tag", generic.list_related, parent="campaign"),
    Operation("get_tag_ids_for_campaign", "tag", generic.list_related_ids, parent="campaign"),
    Operation(
        "get_message_ids_for_campaign", "campaign-message", generic.list_related_ids, parent="campaign", revision=JULY
    ),
    Operation(
        "update_campaign_message",
        "campaign-message",
        campaign_messages.update_message,
        body=Record({"definition": CHANGED_DEFINITION}),
        body_relationships=MESSAGE_RELATIONSHIPS,
        identified="required",
        revision=JULY,
    ),
    Operation(
        "assign_template_to_campaign_message",
        "flat-campaign-message",
        campaign_messages.assign_template,
        brings=("template",),
        body=Record({}),
        body_relationships=TEMPLATE_RELATIONSHIP,
        identified="required",
    ),
    *(
        Operation(f"get_{kind}_id_for_campaign_message", kind, generic.get_related_id, parent="campaign-message")
        for kind in ("campaign", "template", "image")
    ),
    Operation(
        "update_image_for_campaign_message",
        "image",
        campaign_messages.replace_image,
        parent="campaign-message",
        body=Record({}),
        identified="required",
        empty=True,
    ),
    Operation("send_campaign", "campaign-send-job", sending.send_campaign, body=Record({}), identified="required"),
    Operation("get_campaign_send_job", "campaign-send-job", generic.get_resource),
    Operation(
        "cancel_campaign_send",
        "campaign-send-job",
        sending.cancel_send,
        body=Record({"action": Text(choices=("cancel", "revert"))}, required=("action",)),
        identified="required",
        empty=True,
    ),
)

WORK = {"estimation.finish": estimation.finish, **sending.WORK}
