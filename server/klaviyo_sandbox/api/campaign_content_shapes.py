"""What campaigns, audiences, messages and variations look like since 2026-10-15, and the bodies that make them."""

from klaviyo_sandbox.api.common import BOOLEAN, STRING
from klaviyo_sandbox.shapes import Choice, Flag, Free, Items, Number, Record, Shape, Text

_COUNT = Number(whole=True, nullable=True)
GROUPS = Items(Text(), nullable=True)
_AT = Text(form="moment", nullable=True)

MESSAGE_STATUSES = ("draft", "scheduled", "sending", "sent", "cancelled")
CAMPAIGN = Record(
    {
        "name": STRING,
        "builder": STRING,
        "archived": BOOLEAN,
        "color": STRING,
        "description": STRING,
        "send_settings": Record(
            {
                "send_timezone": STRING,
                "send_strategy": STRING,
                "send_passed_rltz_immediately": BOOLEAN,
                "exit_condition_enabled": BOOLEAN,
                "exit_condition_conversion_metric_id": STRING,
            },
        ),
    }
)
_AUDIENCE: dict[str, Shape] = {"name": STRING, "included": GROUPS, "excluded": GROUPS}
AUDIENCE = Record({**_AUDIENCE, "priority": _COUNT})
_STRATEGIES = (
    "ab_send_time_test",
    "content_variation",
    "content_variation_local_timezone",
    "local_timezone",
    "personalized_send_time_optimization",
    "send_time_optimization",
    "static",
    "throttled",
    "variation_per_second_throttled",
)
_THROTTLING = ("none", "throttle-for-campaigns", "throttle-for-campaigns-and-flows", "throttle-for-flows")
_UNIT = Text(choices=("hour", "minute"))
MESSAGE = Record(
    {
        "name": STRING,
        "status": Text(choices=MESSAGE_STATUSES, nullable=True),
        "tracking_options": Record(
            {"is_add_utm": BOOLEAN, "is_tracking_clicks": BOOLEAN, "is_tracking_opens": BOOLEAN}, nullable=True
        ),
        "send_options": Record(
            {
                "send_time": _AT,
                "send_times": Free(nullable=True),
                "send_strategy": Text(choices=_STRATEGIES, nullable=True),
                "recipient_percentage": _COUNT,
                "throttling_type": Text(choices=_THROTTLING, nullable=True),
                "throttle_unit": Text(choices=("hour", "minute"), nullable=True),
                "is_ignoring_unsubscribes": BOOLEAN,
            },
            nullable=True,
        ),
        "ab_test": Record(
            {
                "winner_metric": Text(choices=("clicks_unique", "opens_unique", "placed_orders_unique"), nullable=True),
                "winner_percentage": _COUNT,
                "winner_wait_hours": _COUNT,
            },
            nullable=True,
        ),
    }
)

_TEXTS = ("from_label", "from_email", "reply_to_email", "cc_email", "bcc_email", "subject", "preview_text")
_EMAIL = Record({"channel": Text(), "template_id": STRING, **dict.fromkeys(_TEXTS, Text())})
_SMS = Record(
    {
        "channel": Text(),
        "template_id": STRING,
        "cost": Number(nullable=True),
        "mms_static_image_asset_id": _COUNT,
        **dict.fromkeys(("shorten_links", "include_contact_card", "add_org_prefix"), BOOLEAN),
        **dict.fromkeys(("add_info_link", "add_opt_out_language"), BOOLEAN),
        "body": Text(),
        "mms_dynamic_image_template": STRING,
        "text_message_type": Text(choices=("MMS", "RCS", "SMS")),
        "message_hierarchy": Free(nullable=True),
    }
)
_BUTTON = Record(
    {
        "label": Text(),
        "action_type": Text(choices=("deep_link", "dismiss", "open_app", "open_url")),
        **dict.fromkeys(("url", "icon", "custom_action_id"), STRING),
    },
    required=("label", "action_type"),
)
_PUSH = Record(
    {
        "channel": Text(),
        **dict.fromkeys(("title", "body", "badge_value", "sound_file_name", "dynamic_media_template"), Text()),
        "badge": Flag(),
        "badge_config": Text(choices=("increment-one", "set-count", "set-property")),
        "static_asset_id": _COUNT,
        "sound": Flag(),
        "open_action": Number(whole=True),
        "kv_pairs": Free(),
        "push_type": Text(choices=("silent", "standard")),
        **dict.fromkeys(("ios_deep_link", "android_deep_link", "web_url", "video_asset_id"), STRING),
        **dict.fromkeys(("content_available", "mutable_content"), BOOLEAN),
        "action_buttons": Items(_BUTTON, nullable=True),
    }
)
_WHATSAPP = Record({"channel": Text(), "template_id": STRING, "shorten_links": Flag()})
_DETAILS = Choice("channel", {"email": _EMAIL, "sms": _SMS, "push": _PUSH, "whatsapp": _WHATSAPP}, nullable=True)
VARIATION = Record({"name": STRING, "details": _DETAILS})

_INLINE_VARIATION = Record({"definition": VARIATION}, required=("definition",))
VARIATIONS = Items(_INLINE_VARIATION, nullable=True)
_INLINE_MESSAGE = Record(
    {
        "audience_temporary_id": Text(),
        "name": STRING,
        "is_add_utm": BOOLEAN,
        "throttling_type": Text(
            choices=("FOR_CAMPAIGNS", "FOR_CAMPAIGNS_AND_FLOWS", "FOR_FLOWS", "NONE"), nullable=True
        ),
        "variations": VARIATIONS,
    },
    required=("audience_temporary_id",),
)
_INLINE_AUDIENCE = Record({"temporary_id": Text(), **_AUDIENCE}, required=("temporary_id",))
NEW_CAMPAIGN = Record(
    {
        "definition": CAMPAIGN,
        "messages": Items(_INLINE_MESSAGE, nullable=True),
        "audiences": Items(_INLINE_AUDIENCE, nullable=True),
    },
    required=("definition",),
)

_PERCENTAGES = (1, 2, 5, 10, 11, 13, 14, 17, 20, 25, 33, 50)
_THROTTLED = Record(
    {"throttling_percentage": Number(whole=True, choices=_PERCENTAGES), "throttle_unit": _UNIT},
    required=("throttling_percentage",),
)
_STRATEGY = Text(choices=("local_timezone", "smart_send_time", "static", "throttled"))
_SCHEDULE: dict[str, Shape] = {
    "send_time": _AT,
    "send_date": Text(form="day", nullable=True),
    "strategy": _STRATEGY,
}
_ASKED: dict[str, Shape] = {
    **_SCHEDULE,
    "throttled_options": _THROTTLED,
    "timezone_options": Record({"send_past_timezones_tomorrow": BOOLEAN}),
}
SCHEDULE = Record(_ASKED, required=("strategy",))
SCHEDULES = Record(
    {
        "message_schedules": Items(
            Record({**_ASKED, "message_id": Text()}, required=("strategy", "message_id")), least=1
        )
    },
    required=("message_schedules",),
)
SHOWN_SCHEDULE: dict[str, Shape] = {
    **_SCHEDULE,
    "throttling_percentage": _COUNT,
    "throttle_unit": Text(choices=("hour", "minute"), nullable=True),
}


def to_one(kind: str) -> Record:
    """The relationship to one resource of a kind, in a body."""
    identifier = Record({"type": Text(choices=(kind,)), "id": Text(shortest=1)}, required=("type", "id"))
    return Record({"data": identifier}, required=("data",))


def to_many(kind: str) -> Record:
    """The relationship to any number of resources of a kind, in a body."""
    identifier = Record({"type": Text(choices=(kind,)), "id": Text(shortest=1)}, required=("type", "id"))
    return Record({"data": Items(identifier)}, required=("data",))
