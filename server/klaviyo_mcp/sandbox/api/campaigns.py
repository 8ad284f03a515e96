"""Campaigns, their messages, and how many people they would reach."""

from klaviyo_mcp.sandbox import engine
from klaviyo_mcp.sandbox.api.common import BETWEEN, BOOLEAN, IS, MOMENT, STRING, sortable
from klaviyo_mcp.sandbox.declare import Column, Filter, M, Operation, Page, Relation, Resource
from klaviyo_mcp.sandbox.handlers import campaigns, estimation
from klaviyo_mcp.sandbox.shapes import Choice, Flag, Free, Items, Number, Record, Shape, Text

_STATUSES = (
    "Adding Recipients",
    "Cancelled",
    "Cancelled: Account Disabled",
    "Cancelled: Billing Limit",
    "Cancelled: Internal Error",
    "Cancelled: Misconfigured",
    "Cancelled: No Recipients",
    "Cancelled: Smart Sending",
    "Draft",
    "Preparing to schedule",
    "Preparing to send",
    "Queued without Recipients",
    "Scheduled",
    "Sending",
    "Sending Segments",
    "Sent",
    "Unknown",
    "Variations Sent",
)
_GROUPS = Items(Text(), nullable=True)
_AT = Text(form="moment")
_LOCAL = Record({"is_local": Flag(), "send_past_recipients_immediately": Flag()}, required=("is_local",))
_STRATEGIES = {
    "immediate": Record({"method": Text()}, required=("method",)),
    "static": Record({"method": Text(), "datetime": _AT, "options": _LOCAL}, required=("method", "datetime")),
    "throttled": Record(
        {
            "method": Text(),
            "datetime": _AT,
            "throttle_percentage": Number(whole=True, choices=(1, 2, 5, 10, 11, 13, 14, 17, 20, 25, 33, 50)),
        },
        required=("method", "datetime", "throttle_percentage"),
    ),
    "smart_send_time": Record({"method": Text(), "date": Text(form="day")}, required=("method", "date")),
}
_DYNAMIC_VALUES = (
    "campaign_id",
    "campaign_name",
    "campaign_name_id",
    "campaign_name_send_day",
    "email_subject",
    "group_id",
    "group_name",
    "group_name_id",
    "link_alt_text",
    "message_type",
    "profile_external_id",
    "profile_id",
)
_TRACKING_PARAMETER = Choice(
    "type",
    {
        "dynamic": Record({"type": Text(), "value": Text(choices=_DYNAMIC_VALUES), "name": Text()}, ("value", "name")),
        "static": Record({"type": Text(), "value": Text(), "name": Text()}, ("value", "name")),
    },
)
_TRACKING = Record(
    {
        "add_tracking_params": BOOLEAN,
        "custom_tracking_params": Items(_TRACKING_PARAMETER, nullable=True),
        "is_tracking_clicks": BOOLEAN,
        "is_tracking_opens": BOOLEAN,
    }
)
_SETTINGS: dict[str, Shape] = {
    "send_options": Record({"use_smart_sending": BOOLEAN}),
    "tracking_options": _TRACKING,
    "send_strategy": Choice("method", _STRATEGIES),
}

_EMAIL_CONTENT = ("subject", "preview_text", "from_email", "from_label", "reply_to_email", "cc_email", "bcc_email")
_EMAIL = Record({"channel": Text(), "label": STRING, "content": Record(dict.fromkeys(_EMAIL_CONTENT, STRING))})
_RENDER_OPTIONS = ("shorten_links", "add_org_prefix", "add_info_link", "add_opt_out_language")
_RENDERING = Record(dict.fromkeys(_RENDER_OPTIONS, BOOLEAN))
_SMS = Record({"channel": Text(), "content": Record({"body": STRING}), "render_options": _RENDERING})
_BUTTON = Record(
    {
        "label": Text(longest=40),
        "action_type": Text(choices=("open_app", "deep_link", "open_url", "dismiss")),
        "position": Number(whole=True, nullable=True),
        "url": Text(longest=2048, nullable=True),
    },
    required=("label", "action_type"),
)
_PUSH_CONTENT = {
    "title": STRING,
    "body": STRING,
    "dynamic_image": STRING,
    "action_buttons": Items(_BUTTON, nullable=True),
}
_ON_OPEN = Choice(
    "type",
    {
        "open_app": Record({"type": Text()}),
        "deep_link": Record({"type": Text(), "ios_deep_link": STRING, "android_deep_link": STRING}),
        "open_web_url": Record({"type": Text(), "web_url": STRING}),
    },
)
_BADGE_OPTIONS = Choice(
    "badge_config",
    {
        "increment_one": Record({"badge_config": Text()}),
        "set_count": Record({"badge_config": Text(), "value": Text()}, ("value",)),
        "set_property": Record({"badge_config": Text(), "set_from_property": Text()}, ("set_from_property",)),
    },
)
_BADGE = Record({"display": Flag(), "badge_options": _BADGE_OPTIONS}, required=("display",))
_PUSH_OPTIONS = Record({"on_open": _ON_OPEN, "badge": _BADGE, "play_sound": BOOLEAN})
_PUSH = Choice(
    "notification_type",
    {
        "standard": Record(
            {
                "channel": Text(),
                "notification_type": Text(),
                "content": Record(_PUSH_CONTENT, required=("body",)),
                "kv_pairs": Free(nullable=True),
                "options": _PUSH_OPTIONS,
            },
            required=("content",),
        ),
        "silent": Record({"channel": Text(), "notification_type": Text(), "kv_pairs": Free(nullable=True)}),
    },
    default="standard",
)
_DEFINITION = Choice("channel", {"email": _EMAIL, "sms": _SMS, "mobile_push": _PUSH})
# A reader also sees the media of a text message, which nobody can write here.
_READ_SMS = Record(
    {"channel": Text(), "content": Record({"body": STRING, "media_url": STRING}), "render_options": _RENDERING}
)
_READ_DEFINITION = Choice("channel", {"email": _EMAIL, "sms": _READ_SMS, "mobile_push": _PUSH})

_NEW_MESSAGE = Record(
    {
        "type": Text(choices=("campaign-message",)),
        "attributes": Record({"definition": _DEFINITION}, required=("definition",)),
        "relationships": Record(
            {
                "image": Record(
                    {"data": Record({"type": Text(choices=("image",)), "id": Text()}, required=("type", "id"))},
                    required=("data",),
                )
            }
        ),
    },
    required=("type", "attributes"),
)

RESOURCES = (
    Resource(
        "campaign",
        Record(
            {
                "name": Text(),
                "status": Text(choices=_STATUSES),
                "archived": Flag(),
                "audiences": Record({"included": Items(Text()), "excluded": _GROUPS}),
                **_SETTINGS,
                "created_at": MOMENT,
                "scheduled_at": MOMENT,
                "updated_at": MOMENT,
                "send_time": MOMENT,
            }
        ),
        ids="ulid",
        relations=(
            Relation("campaign-messages", "campaign-message", foreign="campaign_id", data=True),
            Relation("tags", "tag", link="tag.campaigns", inverse=True, data=True),
        ),
        defaults=campaigns.DEFAULTS,
        stamps=("created_at", "updated_at"),
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
                "definition": _READ_DEFINITION,
                "send_times": Items(Free(), nullable=True),
                "created_at": MOMENT,
                "updated_at": MOMENT,
            }
        ),
        ids="ulid",
        relations=(
            Relation("campaign", "campaign", column="campaign_id", data=True),
            Relation("template", "template", column="template_id", data=True),
            Relation("image", "image", column="image_id", data=True),
        ),
        stamps=("created_at", "updated_at"),
        columns={
            "campaign_id": Column("_campaign_id"),
            "template_id": Column("_template_id"),
            "image_id": Column("_image_id"),
        },
        indexes=(("campaign_id", "id"),),
    ),
    Resource(
        "image",
        Record(
            {
                "name": Text(),
                "image_url": Text(),
                "format": Text(),
                "size": Number(whole=True),
                "hidden": Flag(),
                "updated_at": MOMENT,
            }
        ),
        ids="digits",
        stamps=("", "updated_at"),
    ),
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

_READ, _WRITE = ("campaigns:read",), ("campaigns:write",)
_INCLUDE = ("campaign-messages", "tags")

OPERATIONS = (
    Operation(
        "get_campaigns",
        "GET",
        "/api/campaigns",
        "campaign",
        engine.list_resources,
        _READ,
        M,
        filters={
            "id": Filter(listed=("any",)),
            "messages.channel": Filter(single=("equals",), column="channel", choices=("email", "sms", "mobile_push")),
            "name": Filter(single=("contains",)),
            "status": Filter(single=("equals",), listed=("any", "equals"), choices=_STATUSES),
            "archived": IS,
            "created_at": BETWEEN,
            "scheduled_at": BETWEEN,
            "updated_at": BETWEEN,
        },
        required_filters=("messages.channel",),
        sorts=sortable("created_at", "id", "name", "scheduled_at", "updated_at"),
        page=Page(100, 100),
        include=_INCLUDE,
    ),
    Operation(
        "get_campaign", "GET", "/api/campaigns/{id}", "campaign", engine.get_resource, _READ, M, include=_INCLUDE
    ),
    Operation(
        "create_campaign",
        "POST",
        "/api/campaigns",
        "campaign",
        campaigns.create_campaign,
        _WRITE,
        M,
        body=Record(
            {
                "name": Text(shortest=1),
                "audiences": Record({"included": Items(Text()), "excluded": _GROUPS}, required=("included",)),
                **_SETTINGS,
                "campaign-messages": Record({"data": Items(_NEW_MESSAGE, least=1)}, required=("data",)),
            },
            required=("name", "audiences", "campaign-messages"),
        ),
    ),
    Operation(
        "update_campaign",
        "PATCH",
        "/api/campaigns/{id}",
        "campaign",
        campaigns.update_campaign,
        _WRITE,
        M,
        body=Record(
            {
                "name": Text(shortest=1, nullable=True),
                "audiences": Record({"included": _GROUPS, "excluded": _GROUPS}),
                **_SETTINGS,
            }
        ),
        identified="required",
    ),
    Operation(
        "delete_campaign", "DELETE", "/api/campaigns/{id}", "campaign", campaigns.delete_campaign, _WRITE, M, empty=True
    ),
    Operation(
        "get_messages_for_campaign",
        "GET",
        "/api/campaigns/{id}/campaign-messages",
        "campaign-message",
        engine.list_related,
        _READ,
        M,
        parent="campaign",
        relation="campaign-messages",
        include=("campaign", "image", "template"),
    ),
    Operation(
        "get_campaign_message",
        "GET",
        "/api/campaign-messages/{id}",
        "campaign-message",
        engine.get_resource,
        _READ,
        M,
        include=("campaign", "image", "template"),
    ),
    Operation(
        "get_campaign_for_campaign_message",
        "GET",
        "/api/campaign-messages/{id}/campaign",
        "campaign",
        engine.get_related,
        _READ,
        M,
        parent="campaign-message",
        relation="campaign",
    ),
    Operation(
        "get_template_for_campaign_message",
        "GET",
        "/api/campaign-messages/{id}/template",
        "template",
        engine.get_related,
        ("campaigns:read", "templates:read"),
        M,
        parent="campaign-message",
        relation="template",
    ),
    Operation(
        "get_image_for_campaign_message",
        "GET",
        "/api/campaign-messages/{id}/image",
        "image",
        engine.get_related,
        ("campaigns:read", "images:read"),
        M,
        parent="campaign-message",
        relation="image",
    ),
    Operation(
        "refresh_campaign_recipient_estimation",
        "POST",
        "/api/campaign-recipient-estimation-jobs",
        "campaign-recipient-estimation-job",
        estimation.refresh,
        _WRITE,
        M,
        body=Record({}),
        identified="required",
    ),
    Operation(
        "get_campaign_recipient_estimation_job",
        "GET",
        "/api/campaign-recipient-estimation-jobs/{id}",
        "campaign-recipient-estimation-job",
        engine.get_resource,
        _READ,
        M,
    ),
    Operation(
        "get_campaign_recipient_estimation",
        "GET",
        "/api/campaign-recipient-estimations/{id}",
        "campaign-recipient-estimation",
        estimation.get_estimation,
        _READ,
        M,
    ),
)

WORK = {"estimation.start": estimation.start, "estimation.finish": estimation.finish}
