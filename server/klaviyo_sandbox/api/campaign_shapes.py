"""What campaigns and messages looked like before 2026-10-15: audiences, settings, the definition of a message."""

from klaviyo_sandbox.api.common import BOOLEAN, STRING
from klaviyo_sandbox.shapes import Choice, Flag, Free, Items, Number, Record, Shape, Text

STATUSES = (
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
GROUPS = Items(Text(), nullable=True)
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
SETTINGS: dict[str, Shape] = {
    "send_options": Record({"use_smart_sending": BOOLEAN}),
    "tracking_options": _TRACKING,
    "send_strategy": Choice("method", _STRATEGIES),
}
# A reader of an email campaign also sees what Klaviyo's document does not tell of.
READ_SETTINGS: dict[str, Shape] = {
    **SETTINGS,
    "send_options": Record({"use_smart_sending": BOOLEAN, "ignore_unsubscribes": BOOLEAN}),
}

_EMAIL_CONTENT = ("subject", "preview_text", "from_email", "from_label", "reply_to_email", "cc_email", "bcc_email")
_EMAIL = Record(
    {"channel": Text(), "label": STRING, "content": Record(dict.fromkeys(_EMAIL_CONTENT, STRING))},
    named="EmailMessageDefinition",
)
_RENDER_OPTIONS = ("shorten_links", "add_org_prefix", "add_info_link", "add_opt_out_language")
_RENDERING = Record(dict.fromkeys(_RENDER_OPTIONS, BOOLEAN))
_SMS = Record(
    {"channel": Text(), "content": Record({"body": STRING}), "render_options": _RENDERING},
    named="SMSMessageDefinition",
)
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


def _push(*required: str) -> Choice:
    """A push notification, shown or silent, of which the content must have `required`."""
    shown: dict[str, Shape] = {
        "channel": Text(),
        "notification_type": Text(),
        "content": Record(_PUSH_CONTENT, required=required),
        "kv_pairs": Free(nullable=True),
        "options": _PUSH_OPTIONS,
    }
    silent = Record({"channel": Text(), "notification_type": Text(), "kv_pairs": Free(nullable=True)})
    standard = Record(shown, required=("content",) if required else ())
    return Choice("notification_type", {"standard": standard, "silent": silent}, default="standard")


_PUSH = _push("body")
_DEFINITION = Choice("channel", {"email": _EMAIL, "sms": _SMS, "mobile_push": _PUSH})
# Whoever changes a message says only what changes.
CHANGED_DEFINITION = Choice("channel", {"email": _EMAIL, "sms": _SMS, "mobile_push": _push()})
# A reader also sees the media of a text message, which nobody can write here.
_READ_SMS = Record(
    {"channel": Text(), "content": Record({"body": STRING, "media_url": STRING}), "render_options": _RENDERING}
)
READ_DEFINITION = Choice("channel", {"email": _EMAIL, "sms": _READ_SMS, "mobile_push": _PUSH})


def _reference(kind: str) -> Record:
    identifier = Record({"type": Text(choices=(kind,)), "id": Text(shortest=1)}, required=("type", "id"))
    return Record({"data": identifier}, required=("data",))


MESSAGE_RELATIONSHIPS = Record({"image": _reference("image")})
TEMPLATE_RELATIONSHIP = Record({"template": _reference("template")}, required=("template",))
NEW_MESSAGE = Record(
    {
        "type": Text(choices=("campaign-message",)),
        "attributes": Record({"definition": _DEFINITION}, required=("definition",)),
        "relationships": MESSAGE_RELATIONSHIPS,
    },
    required=("type", "attributes"),
)

# Assigning a template answers with the message in an older form, with everything on one level.
FLAT_MESSAGE: dict[str, Shape] = {
    "label": Text(),
    "channel": Text(),
    "content": Record(dict.fromkeys((*_EMAIL_CONTENT, "body", "media_url"), STRING)),
    "render_options": _RENDERING,
}
