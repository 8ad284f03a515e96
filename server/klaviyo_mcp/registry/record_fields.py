"""Which fields of a record are shown when none are named, by type of resource. A type that is not here is shown whole.

A listing shows `listed`, in this order, dotted where it is a part of an attribute. One record alone is shown whole, but
for what stands in a line of it, and what is `long`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LineKind = Literal["consent", "place", "characters", "value", "highlights"]


@dataclass(frozen=True, slots=True)
class Line:
    """A field of ours, made of one of Klaviyo's: `source` is a dotted path. `whole` stands for it in one record too."""

    kind: LineKind
    source: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class RecordFields:
    """What is shown of a type.

    `asks` are additional fields that cost no quota of their own, `long` those that a record that is read alone leaves
    out, too, `names` the related records whose names are asked for,
    each with the attribute that is its name.
    """

    listed: tuple[str, ...]
    lines: Mapping[str, Line] = field(default_factory=dict[str, Line])
    asks: tuple[str, ...] = ()
    long: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_CATALOG = "external_id title price published url"

RECORD_FIELDS: dict[str, RecordFields] = {
    "profile": RecordFields(
        _words(
            "email phone_number first_name last_name external_id place consent created last_event_date joined_group_at"
        ),
        lines={
            "consent": Line("consent", "subscriptions", whole=True),
            "place": Line("place", "location"),
        },
        asks=("subscriptions",),
    ),
    "event": RecordFields(
        _words("datetime metric value highlights"),
        lines={"value": Line("value", "event_properties"), "highlights": Line("highlights", "event_properties")},
        names={"metric": "name"},
    ),
    "billing-usage": RecordFields(_words("usage_used usage_max unit period_start period_end as_of")),
    "brand-logo": RecordFields(_words("name width height alt_text link_url image"), names={"image": "name"}),
    "brand-button": RecordFields(_words("name is_primary style.background_color text.color border.is_border_active")),
    "brand-color": RecordFields(_words("name colors")),
    "brand-social-group": RecordFields(_words("name social_links")),
    "brand-email-default": RecordFields(
        _words(
            "body.background_color body.body_background_color body.text.font_family body.text.color "
            "body.h1_text.font_family body.h1_text.color body.link_text.color header.background_color header.links "
            "header.logo_max_width footer.background_color footer.social_group_color"
        )
    ),
    "campaign": RecordFields(_words("name status send_time audiences scheduled_at archived updated_at")),
    "campaign-audience": RecordFields(_words("definition")),
    "campaign-message": RecordFields(_words("definition send_times")),
    "campaign-variation": RecordFields(_words("definition")),
    "flow": RecordFields(_words("name status trigger_type archived updated")),
    "template": RecordFields(
        _words("name editor_type html_characters updated"), lines={"html_characters": Line("characters", "html")}
    ),
    "template-universal-content": RecordFields(_words("name screenshot_status updated")),
    "segment": RecordFields(_words("name profile_count is_active is_processing updated"), long=("definition",)),
    "list": RecordFields(_words("name profile_count opt_in_process created")),
    "metric": RecordFields(_words("name integration.name")),
    "catalog-item": RecordFields(_words(_CATALOG)),
    "catalog-variant": RecordFields(_words(f"{_CATALOG} sku inventory_quantity inventory_policy")),
    "form": RecordFields(_words("name status ab_test updated_at")),
    "review": RecordFields(
        _words("rating title content author email status.value verified product.name created public_reply")
    ),
    "text-messaging-sender": RecordFields(
        _words("sender_type sender_identifier sender_details.country status forwarding_number created_at")
    ),
    "text-messaging-sender-registration": RecordFields(_words("status failures submitted_at decided_at")),
    "translation": RecordFields(_words("channel source_locale target_locales fallback_locale updated")),
}

NAME_LIKE = ("name", "title", "email", "label", "code")
"""Attributes that are a record's name, the likeliest first."""

CHANNELS: dict[str, str] = {
    "email": "email.marketing",
    "sms": "sms.marketing",
    "push": "mobile_push.marketing",
    "whatsapp": "whatsapp.marketing",
}
"""The channels of a line of consent, and where each stands in `subscriptions`."""

TELLING = _words(
    "Subject CampaignName ProductName Items OrderId URL FormName FlowName Title Reason EmailDomain Name Amount"
)
"""Properties of events that tell most of what happened, the first first; spaces, case and marks do not count."""
MOST_TELLING = 3
"""Properties of an event that a listing shows."""
LONGEST_TELLING = 80
"""Characters of one."""
