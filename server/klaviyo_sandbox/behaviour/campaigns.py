"""How campaigns come to be and change: drafts with their messages, which can be edited until they are sent."""

from collections.abc import Mapping

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour import sending
from klaviyo_sandbox.behaviour.templates import copy_template
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

DEFAULTS: Json = {
    "status": "Draft",
    "archived": False,
    "send_strategy": {"method": "immediate"},
    "scheduled_at": None,
    "send_time": None,
}
_TRACKED: Json = {"add_tracking_params": False, "custom_tracking_params": []}
_TRACKED_IN_FULL: Json = {**_TRACKED, "is_tracking_clicks": True, "is_tracking_opens": True}
# What the options of a campaign are by its channel, unless told otherwise.
_OPTIONS: Mapping[str, Mapping[str, Json]] = {
    "email": {
        "send_options": {"use_smart_sending": True, "ignore_unsubscribes": False},
        "tracking_options": _TRACKED_IN_FULL,
    },
    "sms": {"send_options": {"use_smart_sending": True}, "tracking_options": _TRACKED},
    "mobile_push": {"send_options": {"use_smart_sending": True}, "tracking_options": _TRACKED_IN_FULL},
}
_SETTINGS = ("send_options", "tracking_options", "send_strategy")
_RENDER_DEFAULTS = {"shorten_links": True, "add_org_prefix": True, "add_info_link": True, "add_opt_out_language": False}


def create_campaign(call: Call) -> Answer:
    """A draft, with its messages. All messages are for one channel."""
    attributes: Json = call.data["attributes"]
    messages: list[Json] = attributes["campaign-messages"]["data"]
    channels = {message["attributes"]["definition"]["channel"] for message in messages}
    if len(channels) > 1:
        raise invalid_body(
            "/data/attributes/campaign-messages/data", "All messages of a campaign must have the same channel."
        )
    _check_groups(call, attributes["audiences"])
    _check_tracking(attributes.get("tracking_options"))
    own = {name: value for name, value in attributes.items() if name != "campaign-messages"}
    body = generic.stamped(call, call.world.resources["campaign"], own)
    body["audiences"] = {"included": [], "excluded": [], **_given(own["audiences"])}
    body.update(settings(channels.pop(), own))
    identifier = call.new_id("campaign")
    call.store.insert(call.account, "campaign", identifier, body)
    for message in messages:
        _create_message(call, identifier, message)
    return documents.one(call, Row(identifier, body), 201)


def update_campaign(call: Call) -> Answer:
    """Change a campaign that has not gone out. Objects are merged key by key, a send strategy is replaced whole."""
    body = call.require("campaign", call.id)
    if body["status"] not in ("Draft", "Scheduled"):
        raise conflict(f"Campaign with id {call.id} has the status '{body['status']}' and can no longer be changed.")
    attributes: Json = call.data["attributes"]
    _check_groups(call, attributes.get("audiences", {}))
    _check_tracking(attributes.get("tracking_options"))
    for name, value in _given(attributes).items():
        body[name] = (
            {**body[name], **_given(value)} if name in ("audiences", "send_options", "tracking_options") else value
        )
    if attributes.get("name") is not None:
        _rename_messages(call, attributes["name"])
    body.update(settings(body["_channel"], body), updated_at=call.stamp)
    if body["status"] == "Scheduled" and attributes.get("send_strategy") is not None:
        sending.reschedule(call, call.id, body)
    call.store.replace(call.account, "campaign", call.id, body)
    if "audiences" in attributes:
        # An estimate of another audience is out of date.
        call.store.remove(call.account, "campaign-recipient-estimation", call.id)
    return documents.one(call, Row(call.id, body))


def delete_campaign(call: Call) -> Answer:
    """Remove a campaign, its messages, and what was estimated about it."""
    for kind in ("campaign-recipient-estimation", "campaign-recipient-estimation-job", "campaign-send-job"):
        call.store.remove(call.account, kind, call.id)
    return generic.delete_resource(call)


def clone_campaign(call: Call) -> Answer:
    """A draft with the audiences, settings, messages and templates of another campaign."""
    original: str = call.data["id"]
    source = call.require("campaign", original)
    kept = {name: source[name] for name in (*_SETTINGS, "audiences", "_channel")}
    if "datetime" in kept["send_strategy"]:
        # The original's time has often passed; Klaviyo puts the present in its place.
        kept["send_strategy"] = {**kept["send_strategy"], "datetime": call.stamp}
    name = call.data["attributes"].get("new_name") or f"Clone of {source['name']}"
    stamps = {"created_at": call.stamp, "updated_at": call.stamp}
    body: Json = {**DEFAULTS, **kept, "name": name, **stamps}
    identifier = call.new_id("campaign")
    call.store.insert(call.account, "campaign", identifier, body)
    for row in call.store.find(call.account, "campaign-message", "campaign_id", original):
        message = call.new_id("campaign-message")
        template: str | None = row.body.get("_template_id")
        if template is not None:
            template = copy_template(call, template, f"Clone of {template}", owner=message).id
        copied = {**row.body, **stamps, "send_times": None, "_campaign_id": identifier, "_template_id": template}
        call.store.insert(call.account, "campaign-message", message, copied)
    return documents.one(call, Row(identifier, body), 201)


def settings(channel: str, given: Json) -> Json:
    """The channel of a campaign, and its options and send strategy as Klaviyo completes those that are `given`."""
    options = {name: {**options, **_given(given.get(name) or {})} for name, options in _OPTIONS[channel].items()}
    if channel == "sms":
        options["tracking_options"] = {name: options["tracking_options"][name] for name in _TRACKED}
    strategy: Json = given.get("send_strategy") or DEFAULTS["send_strategy"]
    if channel == "email" and strategy["method"] == "static":
        local: Json = strategy.get("options") or {"is_local": False}
        past = {"send_past_recipients_immediately": bool(local.get("send_past_recipients_immediately"))}
        strategy = {**strategy, "options": {"is_local": local["is_local"], **(past if local["is_local"] else {})}}
    return {"_channel": channel, **options, "send_strategy": strategy}


def _rename_messages(call: Call, name: str) -> None:
    """An email's label follows the name of its campaign."""
    for row in call.store.find(call.account, "campaign-message", "campaign_id", call.id):
        if "label" in row.body["definition"]:
            row.body["definition"]["label"] = name
            call.store.replace(call.account, "campaign-message", row.id, row.body)


def _create_message(call: Call, campaign: str, message: Json) -> None:
    definition: Json = dict(message["attributes"]["definition"])
    if definition["channel"] == "email":
        definition.setdefault("label", None)
        definition["content"] = {**dict.fromkeys(_EMAIL_CONTENT), **definition.get("content", {})}
    elif definition["channel"] == "sms":
        definition["content"] = {"body": None, "media_url": None, **definition.get("content", {})}
        definition["render_options"] = {**_RENDER_DEFAULTS, **_given(definition.get("render_options", {}))}
    else:
        definition.setdefault("notification_type", "standard")
    image = message.get("relationships", {}).get("image", {}).get("data", {}).get("id")
    if image is not None:
        call.require("image", image)
    body: Json = {
        "definition": definition,
        "send_times": None,
        "created_at": call.stamp,
        "updated_at": call.stamp,
        "_campaign_id": campaign,
        "_image_id": image,
    }
    call.store.insert(call.account, "campaign-message", call.new_id("campaign-message"), body)


_EMAIL_CONTENT = ("subject", "preview_text", "from_email", "from_label", "reply_to_email", "cc_email", "bcc_email")


def _check_groups(call: Call, audiences: Json) -> None:
    """Audiences must be lists or segments of this account."""
    for side in ("included", "excluded"):
        for index, group in enumerate(audiences.get(side) or []):
            if all(call.store.get(call.account, kind, group) is None for kind in ("list", "segment")):
                detail = f"'{group}' is not the id of a list or segment."
                raise invalid_body(f"/data/attributes/audiences/{side}/{index}", detail)


def _check_tracking(options: Json | None) -> None:
    """Custom UTM parameters need a source and a medium."""
    parameters: list[Json] = (options or {}).get("custom_tracking_params") or []
    names = {parameter["name"] for parameter in parameters}
    if parameters and not {"utm_source", "utm_medium"} <= names:
        pointer = "/data/attributes/tracking_options/custom_tracking_params"
        raise invalid_body(pointer, "Custom tracking parameters must include utm_source and utm_medium.")


def _given(values: Json) -> Json:
    """What is not null; null means "leave it as it is" throughout a campaign."""
    return {name: value for name, value in values.items() if value is not None}
