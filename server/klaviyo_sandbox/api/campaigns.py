"""Campaigns, their audiences, messages and variations, how many people they would reach, and sending them."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api import earlier_campaigns
from klaviyo_sandbox.api.campaign_content_shapes import (
    AUDIENCE,
    CAMPAIGN,
    MESSAGE,
    NEW_CAMPAIGN,
    SCHEDULE,
    SCHEDULES,
    SHOWN_SCHEDULE,
    VARIATION,
    VARIATIONS,
    to_many,
    to_one,
)
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import campaign_content, campaigns, estimation, scheduling, sending
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Items, Number, Record, Text

_CREATED = Column("created", "moment", nullable=False)
_UPDATED = Column("updated", "moment", nullable=False)

RESOURCES = (
    Resource(
        "campaign",
        Record({"definition": CAMPAIGN, "created_at": MOMENT, "updated_at": MOMENT}),
        ids="ulid",
        relations=(
            Relation("campaign-audiences", "campaign-audience", foreign="campaign_id", data=True),
            Relation("campaign-messages", "campaign-message", foreign="campaign_id", data=True),
            Relation("tags", "tag", link="tag.campaigns", inverse=True),
        ),
        stamps=("created_at", "updated_at"),
        precision="microsecond",
        columns={
            "name": Column("name"),
            "status": Column("status"),
            "archived": Column("archived", "flag"),
            "builder": Column("definition.builder"),
            "created_at": Column("created_at", "moment", nullable=False),
            "scheduled_at": Column("scheduled_at", "moment"),
            "updated_at": Column("updated_at", "moment", nullable=False),
        },
        indexes=(("name", "id"), ("created_at", "id"), ("scheduled_at", "id"), ("updated_at", "id")),
        owns=(("campaign-audience", "campaign_id"), ("campaign-message", "campaign_id")),
    ),
    Resource(
        "campaign-audience",
        Record({"definition": AUDIENCE, "created": MOMENT, "updated": MOMENT}),
        ids="ulid",
        relations=(
            Relation("campaign", "campaign", column="campaign_id", data=True),
            Relation("campaign-messages", "campaign-message", foreign="audience_id", data=True),
        ),
        precision="microsecond",
        columns={"campaign_id": Column("_campaign_id")},
        indexes=(("campaign_id", "id"),),
        owns=(("campaign-message", "audience_id"),),
    ),
    Resource(
        "campaign-message",
        Record({"definition": MESSAGE, "created": MOMENT, "updated": MOMENT}),
        ids="ulid",
        relations=(
            Relation("campaign", "campaign", column="campaign_id", data=True),
            Relation("campaign-audience", "campaign-audience", column="audience_id", data=True),
            Relation("campaign-variations", "campaign-variation", foreign="message_id", data=True),
        ),
        precision="microsecond",
        columns={
            "campaign_id": Column("_campaign_id"),
            "audience_id": Column("_audience_id"),
            "template_id": Column("_template_id"),
            "image_id": Column("_image_id"),
            "name": Column("definition.name"),
            "status": Column("definition.status"),
            "channel": Column("_channel"),
            "created": _CREATED,
            "updated": _UPDATED,
        },
        indexes=(("campaign_id", "id"), ("audience_id", "id"), ("created", "id"), ("updated", "id")),
        owns=(("campaign-variation", "message_id"), ("template", "owner_id")),
    ),
    Resource(
        "campaign-variation",
        Record({"definition": VARIATION, "created": MOMENT, "updated": MOMENT}),
        ids="ulid",
        relations=(
            Relation("campaign-message", "campaign-message", column="message_id", data=True),
            Relation("image", "image", column="image_id"),
            Relation("translation", "translation", column="translation_id"),
        ),
        precision="microsecond",
        columns={
            "message_id": Column("_message_id"),
            "image_id": Column("_image_id"),
            "translation_id": Column("_translation_id"),
        },
        indexes=(("message_id", "id"),),
        owns=(("translation", "campaign_variation_id"),),
    ),
    Resource(
        "campaign-schedule",
        Record({"messages": Items(Record({**SHOWN_SCHEDULE, "id": Text()}))}),
        ids="ulid",
        relations=(Relation("campaign", "campaign", column="campaign_id", data=True),),
        columns={"campaign_id": Column("_campaign_id")},
        path="/api/campaign-schedule",
        stored=False,
    ),
    Resource(
        "campaign-message-schedule",
        Record(SHOWN_SCHEDULE),
        ids="ulid",
        relations=(Relation("campaign-message", "campaign-message", column="message_id", data=True),),
        columns={"message_id": Column("_message_id")},
        path="/api/campaign-message-schedule",
        stored=False,
    ),
    Resource("campaign-send-job", Record({"status": Text(choices=sending.JOB_STATUSES)}), ids="ulid", stamps=("", "")),
    Resource("campaign-recipient-estimation-job", Record({"status": Text()}), ids="ulid", stamps=("", "")),
    Resource(
        "campaign-recipient-estimation",
        Record({"estimated_recipient_count": Number(whole=True)}),
        ids="ulid",
        stamps=("", ""),
    ),
    *earlier_campaigns.RESOURCES,
)


def _related(name: str, resource: str, parent: str) -> tuple[Operation, Operation]:
    """What one leads to, in full and as an id. `name` has a place for what is said of ids."""
    return (
        Operation(name.format(""), resource, generic.get_related, parent=parent),
        Operation(name.format("_id"), resource, generic.get_related_id, parent=parent),
    )


def _listed(name: str, ids: str, resource: str, parent: str) -> tuple[Operation, Operation]:
    """What one leads to several of, in full and as ids."""
    return (
        Operation(name, resource, generic.list_related, parent=parent),
        Operation(ids, resource, generic.list_related_ids, parent=parent),
    )


def _copied(resource: str, relationship: str, *, required: bool) -> Operation:
    """Copying an audience or a message, whose id is given twice."""
    kind = resource.removeprefix("campaign-")
    run = campaigns.clone_audience if kind == "audience" else campaign_content.clone_message
    return Operation(
        f"clone_campaign_{kind}",
        resource,
        run,
        body=Record({"id": Text(shortest=1), "name": STRING}, required=("id",)),
        body_type="campaign-audience-clone" if kind == "audience" else "",
        body_relationships=Record({relationship: to_one(relationship)}, required=(relationship,) if required else ()),
        identified="required",
    )


_CAMPAIGNS = (
    Operation("get_campaigns", "campaign", generic.list_resources, default_sort="-updated_at"),
    Operation("get_campaign", "campaign", generic.get_resource),
    Operation(
        "create_campaign",
        "campaign",
        campaigns.create_campaign,
        body=NEW_CAMPAIGN,
        body_relationships=Record({"tags": to_many("tag")}),
    ),
    Operation(
        "update_campaign",
        "campaign",
        campaigns.update_campaign,
        body=Record({"definition": CAMPAIGN}, required=("definition",)),
        identified="required",
    ),
    Operation(
        "clone_campaign",
        "campaign",
        campaigns.clone_campaign,
        body=Record({"name": Text(shortest=1, nullable=True)}),
        identified="required",
    ),
    Operation("delete_campaign", "campaign", campaigns.delete_campaign, empty=True),
    Operation("get_tags_for_campaign", "tag", generic.list_related, parent="campaign"),
    Operation("get_tag_ids_for_campaign", "tag", generic.list_related_ids, parent="campaign"),
    *_listed("get_messages_for_campaign", "get_message_ids_for_campaign", "campaign-message", "campaign"),
    *_listed("get_campaign_audiences_for_campaign", "get_audience_ids_for_campaign", "campaign-audience", "campaign"),
)
_AUDIENCES = (
    Operation("get_campaign_audience", "campaign-audience", generic.get_resource),
    Operation(
        "create_campaign_audience",
        "campaign-audience",
        campaigns.create_audience,
        body=Record({"definition": AUDIENCE}, required=("definition",)),
        body_relationships=Record({"campaign": to_one("campaign")}, required=("campaign",)),
    ),
    Operation(
        "update_campaign_audience",
        "campaign-audience",
        campaigns.update_audience,
        body=Record({"definition": AUDIENCE}),
        identified="required",
    ),
    Operation("delete_campaign_audience", "campaign-audience", campaigns.delete_audience, empty=True),
    _copied("campaign-audience", "campaign", required=False),
    *_related("get_campaign{}_for_campaign_audience", "campaign", "campaign-audience"),
    *_listed(
        "get_campaign_messages_for_campaign_audience",
        "get_message_ids_for_campaign_audience",
        "campaign-message",
        "campaign-audience",
    ),
)
_MESSAGES = (
    Operation(
        "get_campaign_messages",
        "campaign-message",
        generic.list_resources,
        default_sort="-created",
    ),
    Operation("get_campaign_message", "campaign-message", generic.get_resource),
    Operation(
        "create_campaign_message",
        "campaign-message",
        campaign_content.create_message,
        body=Record({"definition": MESSAGE, "variations": VARIATIONS}, required=("definition",)),
        body_relationships=Record(
            {"campaign": to_one("campaign"), "campaign-audience": to_one("campaign-audience")},
            required=("campaign", "campaign-audience"),
        ),
    ),
    Operation(
        "update_campaign_message",
        "campaign-message",
        campaign_content.update_message,
        body=Record({"definition": MESSAGE}),
        identified="required",
    ),
    Operation("delete_campaign_message", "campaign-message", campaign_content.delete_message, empty=True),
    _copied("campaign-message", "campaign-audience", required=True),
    *_related("get_campaign{}_for_campaign_message", "campaign", "campaign-message"),
    *_related("get_audience{}_for_campaign_message", "campaign-audience", "campaign-message"),
    *_listed(
        "get_variations_for_campaign_message",
        "get_variation_ids_for_campaign_message",
        "campaign-variation",
        "campaign-message",
    ),
    *(
        Operation(name, "tag", campaigns.list_tags_of_message, parent="campaign-message")
        for name in ("get_tags_for_campaign_message", "get_tag_ids_for_campaign_message")
    ),
)
_VARIATIONS = (
    Operation("get_campaign_variation", "campaign-variation", generic.get_resource),
    Operation(
        "create_campaign_variation",
        "campaign-variation",
        campaign_content.create_variation,
        body=Record({"definition": VARIATION}, required=("definition",)),
        body_relationships=Record({"campaign-message": to_one("campaign-message")}, required=("campaign-message",)),
    ),
    Operation(
        "update_campaign_variation",
        "campaign-variation",
        campaign_content.update_variation,
        body=Record({"definition": VARIATION}, required=("definition",)),
        identified="required",
    ),
    Operation("delete_campaign_variation", "campaign-variation", campaign_content.delete_variation, empty=True),
    *_related("get_message{}_for_campaign_variation", "campaign-message", "campaign-variation"),
    *_related("get_image{}_for_campaign_variation", "image", "campaign-variation"),
)
_SENDING = (
    Operation(
        "schedule_campaign",
        "campaign-schedule",
        scheduling.schedule_campaign,
        body=SCHEDULES,
        body_relationships=Record({"campaign": to_one("campaign")}, required=("campaign",)),
    ),
    Operation(
        "schedule_campaign_message",
        "campaign-message-schedule",
        scheduling.schedule_message,
        body=SCHEDULE,
        body_relationships=Record({"campaign-message": to_one("campaign-message")}, required=("campaign-message",)),
    ),
    Operation(
        "update_campaign_message_schedule",
        "campaign-message-schedule",
        scheduling.update_schedule,
        body=Record({"action": Text(choices=("cancel", "revert"))}, required=("action",)),
        identified="required",
        empty=True,
    ),
    Operation(
        "refresh_campaign_recipient_estimation",
        "campaign-recipient-estimation-job",
        estimation.refresh,
        body=Record({}),
        identified="required",
    ),
    Operation("get_campaign_recipient_estimation_job", "campaign-recipient-estimation-job", generic.get_resource),
    Operation("get_campaign_recipient_estimation", "campaign-recipient-estimation", estimation.get_estimation),
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
OPERATIONS = (*_CAMPAIGNS, *_AUDIENCES, *_MESSAGES, *_VARIATIONS, *_SENDING, *earlier_campaigns.OPERATIONS)

WORK = {"estimation.finish": estimation.finish, **sending.WORK}
