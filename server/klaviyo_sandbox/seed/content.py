"""What a demo shop's marketing is made of: images, universal content, sign-up forms, and messages' own templates."""

from typing import Any

from klaviyo_sandbox.behaviour.flows import action_body, message_body, senders
from klaviyo_sandbox.behaviour.form_defaults import completed
from klaviyo_sandbox.behaviour.forms import identified, version_body
from klaviyo_sandbox.behaviour.images import image_url
from klaviyo_sandbox.behaviour.sending import JOB
from klaviyo_sandbox.behaviour.universal_content import KIND, screenshot_url
from klaviyo_sandbox.clock import microseconds, parse_moment
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import make_id


def make_content(ground: Ground, lists: dict[str, str]) -> None:
    """Everything in this module, once the campaigns and flows are there."""
    _make_images(ground)
    _make_universal_content(ground)
    _make_forms(ground, lists["Newsletter"])
    _finish_campaigns(ground)
    _finish_flows(ground)


def _make_images(ground: Ground) -> None:
    account = ground.shop.account
    for number, (name, kind, size) in enumerate(_IMAGES):
        body: Json = {
            "name": name,
            "image_url": image_url(account, kind, ground.random.randbytes(16)),
            "format": kind,
            "size": size,
            "hidden": name == "old-logo",
            "updated_at": ground.ago(400 - 55 * number),
        }
        ground.add("image", body, "digits")


def _make_universal_content(ground: Ground) -> None:
    everywhere: Json = {"show_on": "all", "visible_check": None}
    padding = {f"block_padding_{side}": 9 for side in ("top", "right", "bottom", "left")}
    footer = f"<p>{ground.shop.name}, {', '.join(ground.shop.address[:2])}</p>"
    blocks: tuple[tuple[str, str, Any], ...] = (
        ("Footer with address", "text", {"content": footer, "display_options": everywhere, "styles": padding}),
        ("Free shipping bar", "html", {"content": "<b>Free shipping over $50</b>", "display_options": everywhere}),
        ("Thin line", "horizontal_rule", {"display_options": everywhere, "styles": {"border_width": 1}}),
        ("Our channels", "social", None),
    )
    for number, (name, kind, data) in enumerate(blocks):
        body: Json = {
            "name": name,
            "definition": {"content_type": "block", "type": kind, "data": data},
            "created": ground.written(300 - 40 * number),
            "updated": ground.written(80 - 9 * number),
            "screenshot_status": "completed",
        }
        identifier = make_id(ground.random, "hex")
        body["screenshot_url"] = screenshot_url(ground.shop.account, identifier)
        ground.store.insert(ground.shop.account, KIND, identifier, body)


def _make_forms(ground: Ground, newsletter: str) -> None:
    for number, (name, status, kind, variations) in enumerate(_FORMS):
        created, updated = ground.ago(380 - 90 * number), ground.ago(50 - 12 * number)
        versions: list[Json] = []
        for variation in variations:
            version = _form_version(kind, status, variation, newsletter, len(variations) > 1)
            digits = int(make_id(ground.random, "digits"))
            versions.append({**identified(completed(version), lambda: make_id(ground.random, "ulid")), "id": digits})
        body: Json = {
            "name": name,
            "status": status,
            "ab_test": len(versions) > 1,
            "created_at": created,
            "updated_at": updated,
            "definition": {"versions": versions},
        }
        form = ground.add("form", body)
        for place, version in enumerate(versions):
            stored = version_body(form, version, place, body)
            ground.store.insert(ground.shop.account, "form-version", str(version["id"]), stored)


def _form_version(kind: str, status: str, name: str, newsletter: str, ab_test: bool) -> Json:
    submit: Json = {"type": "next_step", "submit": True, "properties": {"list_id": newsletter}}
    asking: list[Json] = [
        {"type": "html_text", "properties": {"content": f"<h2>{name}</h2>"}},
        {"type": "email", "properties": {"label": "Your email address", "required": True}},
        {"type": "button", "properties": {"label": "Sign me up"}, "action": submit},
    ]
    thanks: list[Json] = [{"type": "html_text", "properties": {"content": "<h2>Thank you</h2>"}}]
    steps: list[Json] = [
        {"name": step, "columns": [{"rows": [{"blocks": blocks}]}]}
        for step, blocks in (("Sign up", asking), ("Success", thanks))
    ]
    return {
        "name": name,
        "steps": steps,
        "triggers": [] if kind == "embed" else [{"type": "delay", "properties": {"seconds": 8}}],
        "teasers": [],
        "type": kind,
        "location": "bottom_right" if kind == "flyout" else None,
        "status": status,
        "ab_test": ab_test,
    }


def _finish_campaigns(ground: Ground) -> None:
    """Give each email its own template, each campaign past its draft a send job, and scheduled ones their work."""
    account, store = ground.shop.account, ground.store
    for row in store.page(account, "campaign"):
        (message,) = store.find(account, "campaign-message", "campaign_id", row.id)
        template: str | None = message.body["_template_id"]
        if template is not None:
            own = _own_template(ground, template, message.id, row.body["created_at"])
            for variation in store.find(account, "campaign-variation", "message_id", message.id):
                variation.body["definition"]["details"]["template_id"] = own
                store.replace(account, "campaign-variation", variation.id, variation.body)
            store.replace(account, "campaign-message", message.id, {**message.body, "_template_id": own})
        status: str = row.body["status"]
        if status == "Draft":
            continue
        job = "cancelled" if status.startswith("Cancelled") else "complete"
        if status in _UNDER_WAY:
            job = "processing"
        store.insert(account, JOB, row.id, {"status": job})
        due = parse_moment(row.body["send_time"]) if status == "Scheduled" else None
        if due is not None:
            store.schedule(account, "campaign.begin", {"message": message.id, "sending": 1}, microseconds(due))


def _finish_flows(ground: Ground) -> None:
    """Store the messages of flows beside their actions, each with its own template."""
    account, store = ground.shop.account, ground.store
    for flow in store.page(account, "flow"):
        actions: list[Json] = flow.body["definition"].pop("actions")
        store.replace(account, "flow", flow.id, flow.body)
        for number, action in enumerate(actions):
            stored = store.get(account, "flow-action", action["id"]) or {}
            for sender in senders(action):
                message: Json = sender["data"]["message"]
                own = _own_template(ground, message["template_id"], message["id"], stored["created"])
                message["template_id"] = own
                body = message_body(action["id"], sender, stored["created"], stored["updated"])
                store.insert(account, "flow-message", message["id"], body)
            store.replace(account, "flow-action", action["id"], action_body(stored, action, number))


def _own_template(ground: Ground, template: str, owner: str, created: str) -> str:
    """A copy of a template of the library for one message."""
    original = ground.store.get(ground.shop.account, "template", template) or {}
    body: Json = {**original, "name": f"Clone of {template}", "created": created, "updated": created}
    return ground.add("template", {**body, "_owner_id": owner})


_UNDER_WAY = ("Adding Recipients", "Preparing to schedule", "Preparing to send", "Sending", "Sending Segments")
_IMAGES = (
    ("logo", "png", 18_412),
    ("old-logo", "gif", 9_870),
    ("autumn-hero", "jpeg", 412_338),
    ("candle-on-table", "jpeg", 286_004),
    ("tent-at-dusk", "jpeg", 523_911),
    ("free-shipping-badge", "png", 22_760),
)
# Name, status, type, the names of its variations.
_FORMS = (
    ("Newsletter pop-up", "live", "popup", ("Ten percent off", "Early access")),
    ("Footer sign-up", "live", "embed", ("Stay in touch",)),
    ("Holiday flyout", "draft", "flyout", ("A first look at the holidays",)),
)
