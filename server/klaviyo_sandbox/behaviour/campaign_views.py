"""The two forms of a message's content: the details of a variation, and the definition of a message before 2026-10-15.

Whatever both forms can say survives the way there and back. How an integer says what tapping a notification opens is a
guess, as Klaviyo's document names no values.
"""

from collections.abc import Mapping

from klaviyo_sandbox.loose_json import Json

EMAIL_CONTENT = ("subject", "preview_text", "from_email", "from_label", "reply_to_email", "cc_email", "bcc_email")
_RENDER_OPTIONS = ("shorten_links", "add_org_prefix", "add_info_link", "add_opt_out_language")
RENDER_DEFAULTS: Json = {
    "shorten_links": True,
    "add_org_prefix": True,
    "add_info_link": True,
    "add_opt_out_language": False,
}
DETAILS: Mapping[str, Json] = {
    "email": {"template_id": None, **dict.fromkeys(EMAIL_CONTENT, "")},
    "sms": {
        "template_id": None,
        "cost": None,
        "mms_static_image_asset_id": None,
        "include_contact_card": False,
        "body": "",
        "mms_dynamic_image_template": None,
        "text_message_type": "SMS",
        "message_hierarchy": None,
        **RENDER_DEFAULTS,
    },
    "push": {
        "title": "",
        "body": "",
        "badge": False,
        "badge_config": "increment-one",
        "badge_value": "1",
        "sound_file_name": "",
        "static_asset_id": None,
        "sound": False,
        "open_action": 0,
        "dynamic_media_template": "",
        "kv_pairs": {},
        "push_type": "standard",
        "ios_deep_link": None,
        "android_deep_link": None,
        "web_url": None,
        "content_available": None,
        "mutable_content": None,
        "video_asset_id": None,
        "action_buttons": None,
    },
    "whatsapp": {"template_id": None, "shorten_links": True},
}
"""What the details of a variation are by its channel, unless told otherwise."""
# Where the details name the image that a message shows.
IMAGES: Mapping[str, str] = {"sms": "mms_static_image_asset_id", "push": "static_asset_id"}
_OPENS = ("open_app", "deep_link", "open_web_url")
_BUTTON = ("label", "action_type", "url")


def channel_of(details: Json | None) -> str | None:
    """The channel as campaigns name it, among which push is `mobile_push`."""
    channel = (details or {}).get("channel")
    return "mobile_push" if channel == "push" else channel


def content_of(details: Json | None, label: str | None) -> Json | None:
    """The earlier definition of a message with these details; None without any, and for WhatsApp, which it lacks."""
    match channel_of(details):
        case None:
            return None
        case "email":
            content = {name: (details or {}).get(name) or None for name in EMAIL_CONTENT}
            return {"channel": "email", "label": label, "content": content}
        case "sms":
            said = details or {}
            return {
                "channel": "sms",
                "content": {"body": said["body"] or None, "media_url": None},
                "render_options": {name: said[name] for name in _RENDER_OPTIONS},
            }
        case "mobile_push":
            return _push_content(details or {})
        case _:
            return None


def details_of(content: Json, template: str | None, image: str | None) -> Json:
    """The details that an earlier definition of a message says, with the ids of its template and its image."""
    channel = "push" if content["channel"] == "mobile_push" else content["channel"]
    said: Json = content.get("content") or {}
    if channel == "email":
        details: Json = {name: said.get(name) or "" for name in EMAIL_CONTENT} | {"template_id": template}
    elif channel == "sms":
        rendering: Json = content.get("render_options") or {}
        details = {"body": said.get("body") or "", **{name: rendering[name] for name in rendering}}
        details["text_message_type"] = "SMS" if image is None else "MMS"
    else:
        details = _push_details(content, said)
    if channel in IMAGES:
        details[IMAGES[channel]] = None if image is None else int(image)
    return {"channel": channel, **details}


def image_of(details: Json | None) -> str | None:
    """The id of the image that the details name."""
    number = (details or {}).get(IMAGES.get((details or {}).get("channel", ""), ""))
    return None if number is None else str(number)


def is_unfinished(details: Json | None, image: str | None) -> bool:
    """Whether the details lack what their channel cannot do without."""
    match channel_of(details), details or {}:
        case "email", said:
            return not said.get("template_id") or not said["subject"]
        case "sms", said:
            return not said["body"] and image is None
        case "mobile_push", said:
            return said["push_type"] != "silent" and not said["body"]
        case "whatsapp", said:
            return not said.get("template_id")
        case _:
            return True


def _push_content(details: Json) -> Json:
    content: Json = {"channel": "mobile_push", "notification_type": details["push_type"]}
    content["kv_pairs"] = details["kv_pairs"] or None
    if details["push_type"] == "silent":
        return content
    opened: Json = {"type": _OPENS[details["open_action"]] if details["open_action"] in range(3) else _OPENS[0]}
    if opened["type"] == "deep_link":
        opened |= {name: details[name] for name in ("ios_deep_link", "android_deep_link")}
    elif opened["type"] == "open_web_url":
        opened["web_url"] = details["web_url"]
    badge: Json = {"display": details["badge"]}
    if details["badge"]:
        config = details["badge_config"].replace("-", "_")
        value = {"set_count": "value", "set_property": "set_from_property"}.get(config)
        badge["badge_options"] = {"badge_config": config, **({value: details["badge_value"]} if value else {})}
    buttons: list[Json] | None = details["action_buttons"]
    shown = buttons and [
        {**{name: button.get(name) for name in _BUTTON}, "position": place} for place, button in enumerate(buttons)
    ]
    return {
        **content,
        "content": {
            "title": details["title"] or None,
            "body": details["body"] or None,
            "dynamic_image": details["dynamic_media_template"] or None,
            "action_buttons": shown,
        },
        "options": {"on_open": opened, "badge": badge, "play_sound": details["sound"]},
    }


def _push_details(content: Json, said: Json) -> Json:
    options: Json = content.get("options") or {}
    opened: Json = options.get("on_open") or {}
    badge: Json = options.get("badge") or {}
    config: Json = badge.get("badge_options") or {}
    buttons: list[Json] = said.get("action_buttons") or []
    return {
        "title": said.get("title") or "",
        "body": said.get("body") or "",
        "dynamic_media_template": said.get("dynamic_image") or "",
        "push_type": content.get("notification_type") or "standard",
        "kv_pairs": content.get("kv_pairs") or {},
        "open_action": _OPENS.index(opened.get("type", _OPENS[0])),
        "sound": bool(options.get("play_sound")),
        "badge": bool(badge.get("display")),
        "badge_config": config.get("badge_config", "increment_one").replace("_", "-"),
        "badge_value": config.get("value") or config.get("set_from_property") or "1",
        **{name: opened.get(name) for name in ("ios_deep_link", "android_deep_link", "web_url")},
        "action_buttons": [{name: button.get(name) for name in _BUTTON} for button in sorted(buttons, key=_place)]
        or None,
    }


def _place(button: Json) -> int:
    """Where a button is shown. Those that do not say keep their order, behind the first."""
    return button.get("position") or 0
