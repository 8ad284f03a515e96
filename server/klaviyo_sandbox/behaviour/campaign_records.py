"""What is kept of a campaign: its audiences, its messages to them, and the variations of each message.

This is the one truth. The form that campaigns and messages had before 2026-10-15 is kept in step with it, in the same
records: a campaign has the first of its audiences and the settings of the first of its messages, and is as far as they
are; a message has the content of the first of its variations. Of a message's own state, `_status` is the finer one that
campaigns show, and `_strategy` a send strategy as campaigns give it, with `unit` and `tomorrow` where only the newer
form knows them.
"""

from collections.abc import Mapping, Sequence

from klaviyo_sandbox.behaviour.campaign_views import channel_of, content_of, image_of
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json, mapping
from klaviyo_sandbox.storage.store import Row

AUDIENCE, MESSAGE, VARIATION = "campaign-audience", "campaign-message", "campaign-variation"
ESTIMATION = "campaign-recipient-estimation"
UNDER_WAY = (
    *("Sending", "Adding Recipients", "Variations Sent", "Preparing to send", "Preparing to schedule", "Scheduled"),
)
"""The statuses in which a message can be cancelled or reverted."""
# A campaign of several messages has the first of these that one of them has, or else that of the first message.
_FIRST_STATUSES = (*UNDER_WAY, "Draft", "Sent")
_STATUSES = {"Draft": "draft", "Preparing to schedule": "scheduled", "Scheduled": "scheduled", "Sent": "sent"}
_IMMEDIATE: Json = {"method": "immediate"}
_ONLY_NEWER = ("unit", "tomorrow")

_SEND_SETTINGS = (
    "send_timezone",
    "send_strategy",
    "send_passed_rltz_immediately",
    "exit_condition_enabled",
    "exit_condition_conversion_metric_id",
)
_CAMPAIGN: Json = {"name": None, "builder": "wizard", "archived": False, "color": None, "description": None}
_TRACKED: Json = {"add_tracking_params": False, "custom_tracking_params": []}
_TRACKED_IN_FULL: Json = {**_TRACKED, "is_tracking_clicks": True, "is_tracking_opens": True}
_BY_SMART_SENDING: Json = {"use_smart_sending": True}
# What the options of a campaign are by its channel, unless told otherwise.
_OPTIONS: Mapping[str, Mapping[str, Json]] = {
    "email": {
        "send_options": {**_BY_SMART_SENDING, "ignore_unsubscribes": False},
        "tracking_options": _TRACKED_IN_FULL,
    },
    "sms": {"send_options": _BY_SMART_SENDING, "tracking_options": _TRACKED},
    "mobile_push": {"send_options": _BY_SMART_SENDING, "tracking_options": _TRACKED_IN_FULL},
    "whatsapp": {"send_options": _BY_SMART_SENDING, "tracking_options": _TRACKED},
}
# The throttling of messages that is on unless told otherwise; smart sending is off where it is "none".
_THROTTLED = "throttle-for-campaigns-and-flows"


def campaign_body(definition: Json, stamp: str) -> Json:
    """A new campaign without audience or message."""
    body: Json = {
        "definition": {**_CAMPAIGN, **given(definition), "send_settings": _send_settings(definition)},
        "created_at": stamp,
        "updated_at": stamp,
    }
    show_campaign(body, [], [])
    return body


def audience_body(campaign: str, definition: Json, stamp: str) -> Json:
    """A new audience of a campaign."""
    empty: Json = {"name": None, "included": [], "excluded": [], "priority": None}
    shown = {**empty, **given(definition)}
    return {"definition": shown, "created": stamp, "updated": stamp, "_campaign_id": campaign}


def message_body(campaign: str, audience: str, definition: Json, stamp: str, channel: str | None) -> Json:
    """A new draft of a message. What its tracking is without a word on it depends on the channel."""
    tracked = None if channel in ("sms", "whatsapp") else True
    tracking: Json = {"is_add_utm": False, "is_tracking_clicks": tracked, "is_tracking_opens": tracked}
    options: Json = {
        "send_time": None,
        "send_times": None,
        "send_strategy": None,
        "recipient_percentage": None,
        "throttling_type": _THROTTLED,
        "throttle_unit": None,
        "is_ignoring_unsubscribes": False,
    }
    body: Json = {
        "definition": {
            "name": definition.get("name"),
            "status": "draft",
            "tracking_options": {**tracking, **given(definition.get("tracking_options") or {})},
            "send_options": {**options, **given(definition.get("send_options") or {})},
            "ab_test": definition.get("ab_test"),
        },
        "send_times": None,
        "created": stamp,
        "updated": stamp,
        "_campaign_id": campaign,
        "_audience_id": audience,
        "_status": "Draft",
        "_sending": 0,
        "_strategy": _IMMEDIATE,
        "_scheduled_at": None,
        "_send_time": None,
        "_utm": [],
    }
    show_message(body, [])
    return body


def variation_body(message: str, name: str | None, details: Json | None, stamp: str) -> Json:
    """A new variation of a message. Its details are complete."""
    return {
        "definition": {"name": name, "details": details},
        "created": stamp,
        "updated": stamp,
        "_message_id": message,
        "_image_id": image_of(details),
    }


def show_message(body: Json, variations: Sequence[Json]) -> None:
    """Bring what a message shows in line with its state and, in the earlier form, with its first variation."""
    definition: Json = body["definition"]
    strategy: Json = body["_strategy"]
    definition["status"] = message_status(body["_status"])
    name = _name_of(strategy)
    # A local time begins half a day earlier, in the east.
    moment = None if name == "local_timezone" else body["_send_time"]
    definition["send_options"] |= {
        "send_time": moment or strategy.get("datetime"),
        "send_strategy": name,
        "throttle_unit": strategy.get("unit", "hour") if strategy["method"] == "throttled" else None,
    }
    details: Json | None = variations[0]["definition"]["details"] if variations else None
    template = (details or {}).get("template_id") or None
    body.update(
        _channel=channel_of(details),
        _content=content_of(details, definition["name"]),
        _template_id=template if channel_of(details) == "email" else None,
        _image_id=image_of(details),
    )


def show_campaign(body: Json, audiences: Sequence[Json], messages: Sequence[Json]) -> None:
    """Bring the earlier form of a campaign in line with its definition, its audiences and its messages."""
    first: Json | None = messages[0] if messages else None
    definition: Json = body["definition"]
    audience: Json = audiences[0]["definition"] if audiences else {}
    body.update(
        name=definition["name"],
        archived=definition["archived"],
        status=_campaign_status([message["_status"] for message in messages]),
        audiences={side: audience.get(side) or [] for side in ("included", "excluded")},
        scheduled_at=first and first["_scheduled_at"],
        send_time=first and first["_send_time"],
        **settings_of(first),
    )


def message_status(status: str) -> str | None:
    """The status of a message whose campaign would have `status`."""
    if status == "Unknown":
        return None
    return "cancelled" if status.startswith("Cancelled") else _STATUSES.get(status, "sending")


def settings_of(message: Json | None) -> Json:
    """The options and the send strategy that a campaign shows, which are those of its first message."""
    if message is None:
        return settings("email", {})
    options: Json = message["definition"]["send_options"]
    tracking: Json = message["definition"]["tracking_options"]
    strategy: Json = {name: value for name, value in message["_strategy"].items() if name not in _ONLY_NEWER}
    shown: Json = {
        "send_options": {
            "use_smart_sending": options["throttling_type"] != "none",
            "ignore_unsubscribes": options["is_ignoring_unsubscribes"],
        },
        "tracking_options": {
            "add_tracking_params": tracking["is_add_utm"],
            "custom_tracking_params": message["_utm"],
            "is_tracking_clicks": tracking["is_tracking_clicks"],
            "is_tracking_opens": tracking["is_tracking_opens"],
        },
        "send_strategy": strategy,
    }
    return settings(message["_channel"] or "email", shown)


def settings(channel: str, said: Json) -> Json:
    """The options and the send strategy of a campaign as Klaviyo completes what is `said` of them."""
    options = {
        name: {key: value for key, value in {**options, **given(said.get(name) or {})}.items() if key in options}
        for name, options in _OPTIONS[channel].items()
    }
    strategy: Json = said.get("send_strategy") or _IMMEDIATE
    if channel == "email" and strategy["method"] == "static":
        local: Json = strategy.get("options") or {"is_local": False}
        past = {"send_past_recipients_immediately": bool(local.get("send_past_recipients_immediately"))}
        strategy = {**strategy, "options": {"is_local": local["is_local"], **(past if local["is_local"] else {})}}
    return {**options, "send_strategy": strategy}


def set_settings(message: Json, said: Json) -> None:
    """Give a message the options and the send strategy that are said of its campaign; null leaves them as they are."""
    definition: Json = message["definition"]
    sending, tracking = given(said.get("send_options") or {}), given(said.get("tracking_options") or {})
    if "use_smart_sending" in sending:
        definition["send_options"]["throttling_type"] = _THROTTLED if sending["use_smart_sending"] else "none"
    if "ignore_unsubscribes" in sending:
        definition["send_options"]["is_ignoring_unsubscribes"] = sending["ignore_unsubscribes"]
    if "add_tracking_params" in tracking:
        definition["tracking_options"]["is_add_utm"] = tracking["add_tracking_params"]
    for name in ("is_tracking_clicks", "is_tracking_opens"):
        if name in tracking:
            definition["tracking_options"][name] = tracking[name]
    message["_utm"] = tracking.get("custom_tracking_params", message["_utm"])
    message["_strategy"] = said.get("send_strategy") or message["_strategy"]


def messages_of(session: Session, campaign: str) -> list[Row]:
    """The messages of a campaign, the first one first."""
    return session.store.find(session.account, MESSAGE, "campaign_id", campaign)


def variations_of(session: Session, message: str) -> list[Row]:
    """The variations of a message, the first one first."""
    return session.store.find(session.account, VARIATION, "message_id", message)


def add_variation(session: Session, identifier: str, message: str, name: str | None, details: Json | None) -> Row:
    """Store a new variation. The caller brings its message in line."""
    body = variation_body(message, name, details, session.stamp)
    session.store.insert(session.account, VARIATION, identifier, body)
    return Row(identifier, body)


def save_message(session: Session, message: str, body: Json) -> Json:
    """Store a changed message, and bring it and its campaign in line. Returns the campaign."""
    body["updated"] = session.stamp
    show_message(body, [row.body for row in variations_of(session, message)])
    session.store.replace(session.account, MESSAGE, message, body)
    return save_campaign(session, body["_campaign_id"])


def save_campaign(session: Session, campaign: str, body: Json | None = None) -> Json:
    """Bring a campaign in line with what belongs to it, store it, and return it. `body` is a changed one."""
    body = body or session.require("campaign", campaign)
    audiences = session.store.find(session.account, AUDIENCE, "campaign_id", campaign)
    show_campaign(body, [row.body for row in audiences], [row.body for row in messages_of(session, campaign)])
    body["updated_at"] = session.stamp
    session.store.replace(session.account, "campaign", campaign, body)
    return body


def check_groups(session: Session, groups: Sequence[str], pointer: str) -> None:
    """Raises ApiError (400) for the first that is neither a list nor a segment of this account."""
    for index, group in enumerate(groups):
        if all(session.store.get(session.account, kind, group) is None for kind in ("list", "segment")):
            raise invalid_body(f"{pointer}/{index}", f"'{group}' is not the id of a list or segment.")


def given(values: Json) -> Json:
    """What is not null; null means "leave it as it is" throughout a campaign."""
    return {name: value for name, value in values.items() if value is not None}


def ordered_ids(session: Session, kind: str, count: int) -> list[str]:
    """Ids for resources that are made at once, in the order in which collections show them."""
    return sorted(session.new_id(kind) for _ in range(count))


def _send_settings(definition: Json) -> Json:
    return {**dict.fromkeys(_SEND_SETTINGS), **given(definition.get("send_settings") or {})}


def _campaign_status(statuses: Sequence[str]) -> str:
    if not statuses:
        return "Draft"
    return next((status for status in _FIRST_STATUSES if status in statuses), statuses[0])


def _name_of(strategy: Json) -> str | None:
    """The send strategy of a message, as its options name it."""
    match strategy["method"]:
        case "immediate":
            return None
        case "smart_send_time":
            return "send_time_optimization"
        case "static":
            return "local_timezone" if mapping(strategy.get("options")).get("is_local") else "static"
        case method:
            return str(method)
