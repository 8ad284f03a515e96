"""The campaigns of a demo shop: each with one audience and one message, of which one has two variations."""

from collections.abc import Sequence
from random import Random

from klaviyo_sandbox.behaviour.campaign_records import (
    audience_body,
    campaign_body,
    message_body,
    show_campaign,
    show_message,
    variation_body,
)
from klaviyo_sandbox.behaviour.campaign_views import DETAILS
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import make_id
from klaviyo_sandbox.seed.tables import Shop

_DAY = 86400
# What else the subject of an email is tried as.
_TESTS = {"Subject line test": ("You will want to open this",)}
_TEST: Json = {"winner_metric": "opens_unique", "winner_percentage": 60, "winner_wait_hours": 24}
# Name, channel, status, days ago (negative: in the future), subject or text, template.
CAMPAIGNS: tuple[tuple[str, str, str, float, str, str], ...] = (
    ("Winter gift guide", "email", "Sent", 330, "Gifts for people who go outside", "Seasonal sale"),
    ("New year, new trails", "email", "Sent", 300, "Where to walk this year", "Monthly newsletter"),
    ("Spring arrivals", "email", "Sent", 220, "New for spring", "Monthly newsletter"),
    ("Summer camping checklist", "email", "Sent", 150, "Do not forget the lantern", "Monthly newsletter"),
    ("Late summer sale", "email", "Sent", 95, "Up to 30% off camping", "Seasonal sale"),
    ("Autumn newsletter", "email", "Sent", 40, "Wool weather", "Monthly newsletter"),
    ("VIP early access", "email", "Sent", 12, "Before everybody else", "Seasonal sale"),
    ("Weekend text: free shipping", "sms", "Sent", 20, "Free shipping until Sunday night. Reply STOP to opt out.", ""),
    ("Holiday preview", "email", "Scheduled", -5, "A first look at the holidays", "Seasonal sale"),
    ("Candle restock", "email", "Draft", 2, "The juniper candle is back", "Back in stock notice"),
    ("Customer survey", "email", "Draft", 6, "Three questions for you", ""),
    ("Flash sale text", "sms", "Draft", 1, "Flash sale: 20% off packs today.", ""),
    ("Spring pop-up invitation", "email", "Cancelled: No Recipients", 70, "Come and see us", "Monthly newsletter"),
)


def make_campaigns(
    ground: Ground,
    lists: dict[str, str],
    segments: dict[str, str],
    templates: dict[str, str],
    campaigns: Sequence[tuple[str, str, str, float, str, str]],
) -> dict[str, tuple[str, int]]:
    """The campaigns of such a table; name → id and, for those that went out, the moment they did (else 0)."""
    made: dict[str, tuple[str, int]] = {}
    for name, channel, status, days, subject, template in campaigns:
        sent = ground.now - int(days * _DAY)
        going_out = None if status == "Draft" or status.startswith("Cancelled: ") else ground.ago(days)
        included = [lists["SMS subscribers" if channel == "sms" else "Newsletter"]]
        if status == "Cancelled: No Recipients":
            included = [lists["Spring pop-up (empty)"]]
        created = max(days, 0) + 9
        campaign, message = (make_id(ground.random, "ulid", created) for _ in range(2))
        made[name] = campaign, sent if status == "Sent" else 0
        audience: Json = {
            "name": name,
            "included": included,
            "excluded": [segments["Lapsed customers"]] if status == "Draft" else [],
        }
        state: Json = {
            "_status": status,
            "_strategy": {"method": "static", "datetime": going_out} if going_out else {"method": "immediate"},
            "_scheduled_at": ground.written(created - 1) if going_out else None,
            "_send_time": going_out,
            "send_times": [{"datetime": going_out, "is_local": False}] if going_out else None,
            # What is to come of it, if anything is, belongs to its first sending.
            "_sending": 0 if status == "Draft" else 1,
        }
        details = _details(ground.shop, name, channel, subject, templates[template] if template else None)
        _add_campaign(ground, (campaign, message), audience, details, state, (created, days if days > 0 else 0.5))
    return made


def _add_campaign(
    ground: Ground, ids: tuple[str, str], audience: Json, details: Json, state: Json, days: tuple[float, float]
) -> None:
    """Store a campaign of one audience, one message and, where no test says otherwise, one variation.

    ids: of the campaign and of its message
    state: what sending has made of the message
    days: ago, that it was made and changed
    """
    campaign, message = ids
    # A source of chance of its own: what the shop was seeded with before there were audiences stays as it was.
    random = Random(f"audience:{campaign}")  # noqa: S311
    subjects = _TESTS.get(audience["name"], ())
    group, *variations = (make_id(random, "ulid", days[0]) for _ in range(2 + len(subjects)))
    made, changed = (ground.written(each) for each in days)
    body = campaign_body({"name": audience["name"]}, made)
    people = audience_body(campaign, audience, made)
    versions = [details, *({**details, "subject": subject} for subject in subjects)]
    contents = [
        variation_body(message, each["subject"] if subjects else audience["name"], each, made) for each in versions
    ]
    definition: Json = {"name": audience["name"], "ab_test": _TEST if subjects else None}
    written = message_body(campaign, group, definition, made, details["channel"])
    written.update(state, updated=changed)
    show_message(written, contents)
    show_campaign(body, [people], [written])
    body["updated_at"] = changed
    for kind, identifier, stored in (
        ("campaign", campaign, body),
        ("campaign-audience", group, {**people, "updated": changed}),
        ("campaign-message", message, written),
        *(
            ("campaign-variation", each, {**content, "updated": changed})
            for each, content in zip(sorted(variations), contents, strict=True)
        ),
    ):
        ground.store.insert(ground.shop.account, kind, identifier, stored)


def _details(shop: Shop, name: str, channel: str, text: str, template: str | None) -> Json:
    if channel == "sms":
        return {"channel": "sms", **DETAILS["sms"], "body": text}
    return {
        "channel": "email",
        **DETAILS["email"],
        "template_id": template,
        "subject": text,
        "preview_text": f"{name} from {shop.name}",
        "from_email": shop.sender,
        "from_label": shop.name,
    }
