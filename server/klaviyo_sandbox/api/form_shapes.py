"""What a sign-up form is made of: versions of steps, in columns and rows of blocks, with triggers and teasers.

Styles are kept as they are; everything else of a definition is checked.
"""

from klaviyo_sandbox.api.common import BOOLEAN, STRING
from klaviyo_sandbox.shapes import Choice, Document, Flag, Free, Items, Number, Record, Shape, Text

_WHOLE = Number(whole=True)
_MAYBE_WHOLE = Number(whole=True, nullable=True)
_DEVICE = Text(choices=("both", "desktop", "mobile"))
_ANYTHING: dict[str, Shape] = {"id": STRING, "type": Text(), "styles": Free(nullable=True)}

# Actions of buttons and images

_LIST: dict[str, Shape] = {"list_id": STRING}
_TEXT_IN = Record(
    {"opt_in_keyword": STRING, "opt_in_message": Text(), "sending_number": STRING},
    required=("opt_in_keyword", "opt_in_message", "sending_number"),
)
_OPENED = Record({"close_form": Flag(), "form_id_to_open": Text()}, required=("form_id_to_open",))


def _action(properties: Shape, *required: str) -> Record:
    fields: dict[str, Shape] = {"id": STRING, "type": Text(), "submit": Flag(), "properties": properties}
    return Record(fields, required=required)


_NOTHING = Free(nullable=True)
_ACTION = Choice(
    "type",
    {
        "close": _action(Record(_LIST), "submit"),
        "next_step": _action(Record(_LIST), "submit"),
        "open_form": _action(_OPENED, "properties"),
        "promotional_sms_subscription": _action(_NOTHING),
        "redirect": _action(Record({**_LIST, "url": Text(), "new_window": Flag()}), "submit", "properties"),
        "resend_opt_in_code": _action(_NOTHING),
        "submit_opt_in_code": _action(_NOTHING),
        "subscribe_via_sms": _action(_TEXT_IN, "properties"),
        "subscribe_via_whatsapp": _action(_TEXT_IN, "properties"),
        "go_to_inbox": _action(_NOTHING),
        "submit_back_in_stock": _action(Record(_LIST)),
        "skip_to_success": _action(Record({}), "properties"),
        "iaf_deeplink_to_screen": _action(Record({"deep_link_url": STRING}), "properties"),
    },
)

# Blocks

_PLACED: dict[str, Shape] = {"display_device": Items(_DEVICE), "classname": STRING}
_ADDITIONAL = Items(Free(), nullable=True)
_INPUT: dict[str, Shape] = {
    **_PLACED,
    "label": STRING,
    "show_label": BOOLEAN,
    "placeholder": STRING,
    "required": BOOLEAN,
    "error_messages": Free(nullable=True),
    "property_name": STRING,
}
_OPTION = Record({"label": Text(), "value": Text()}, required=("label", "value"))
_NAMED_INPUT: dict[str, Shape] = {**_INPUT, "property_name": Text(shortest=1)}
_OPTIONS: dict[str, Shape] = {**_NAMED_INPUT, "options": Items(_OPTION, least=1)}
_CHECKBOX: dict[str, Shape] = {**_INPUT, "checkbox_text": Text()}
_TIMEFRAME = Text(choices=("1_hour", "24_hours", "7_days", "30_days"))
_TEXT: dict[str, Shape] = {**_PLACED, "content": STRING}


def _block(properties: dict[str, Shape], *required: str, needed: bool = True, action: bool = False) -> Record:
    """A block with `properties`, which the block must have when they are `needed`."""
    fields: dict[str, Shape] = {**_ANYTHING, "properties": Record(properties, required=required)}
    if action:
        fields["action"] = _ACTION
    return Record(fields, required=("properties",) if needed else ())


_BLOCK = Choice(
    "type",
    {
        "button": _block({**_PLACED, "label": Text(), "additional_fields": _ADDITIONAL}, "label", action=True),
        "age_gate": _block({**_INPUT, "date_format": STRING, "sms_country_code": STRING}),
        "coupon": _block({**_PLACED, "coupon": Free(), "success_message": STRING}, "coupon"),
        "date": _block({**_NAMED_INPUT, "date_format": STRING}, "property_name"),
        "email": _block(_INPUT),
        "html_text": _block(_TEXT, needed=False),
        "opt_in_code": _block(_INPUT),
        "phone_number": _block(
            {**_INPUT, "sms_consent_type": Items(Text(), nullable=True), "channel_settings": Free(nullable=True)}
        ),
        "promotional_sms_checkbox": _block({**_CHECKBOX, "channels": Items(Text(), nullable=True)}, "checkbox_text"),
        "text": _block(_NAMED_INPUT, "property_name"),
        "checkboxes": _block(_OPTIONS, "property_name", "options"),
        "radio_buttons": _block(_OPTIONS, "property_name", "options"),
        "dropdown": _block(_OPTIONS, "property_name", "options"),
        "image": _block({**_PLACED, "image": Free(nullable=True), "additional_fields": _ADDITIONAL}, action=True),
        "countdown_timer": _block(
            {**_PLACED, "clock_face": STRING, "animation": STRING, "configuration": Free()}, "configuration"
        ),
        "signup_counter": _block(
            {**_PLACED, "timeframe": _TIMEFRAME, "min_submits": _WHOLE, "content": Text()},
            "timeframe",
            "min_submits",
            "content",
        ),
        "spin_to_win": _block({**_PLACED, "duplicate_slices": BOOLEAN, "slices": Items(Free())}, "slices"),
        "sms_disclosure": _block({**_PLACED, "content": Free()}, needed=False),
        "bis_promotional_email_checkbox": _block(_CHECKBOX, "checkbox_text"),
        "review": _block(
            {
                **_TEXT,
                "author": STRING,
                "rating": _MAYBE_WHOLE,
                "verified": BOOLEAN,
                "review_id": _MAYBE_WHOLE,
                "show_rating": BOOLEAN,
                "show_author": BOOLEAN,
                "show_verified": BOOLEAN,
            }
        ),
        "custom_html": _block(_TEXT, needed=False),
    },
)

# Triggers

_COMPARISON = Text(choices=("equals", "greater_than", "less_than"), nullable=True)
_CART_VALUE = Record({"comparison": _COMPARISON, "value": Number(nullable=True)})
_CART_ITEMS = Record({"comparison": _COMPARISON, "value": _MAYBE_WHOLE})
_CART_PRODUCT = Record({"type": Text(choices=("brand", "categories", "id", "name"), nullable=True), "value": STRING})
_LISTS = Record({"allow_list": Items(Text(), nullable=True), "deny_list": Items(Text(), nullable=True)})
_PROPERTY = Record({"property": Text(), "value": Text()}, required=("property", "value"))


def _trigger(properties: Shape, *required: str) -> Record:
    return Record({"id": STRING, "type": Text(), "properties": properties}, required=required)


_TRIGGER = Choice(
    "type",
    {
        "after_close_or_submit_timeout": _trigger(Record({"timeout_days": _WHOLE})),
        "cart_content": _trigger(Record({"value": _CART_VALUE, "items": _CART_ITEMS, "product": _CART_PRODUCT})),
        "cart_item_count": _trigger(_CART_ITEMS),
        "cart_product": _trigger(_CART_PRODUCT),
        "cart_value": _trigger(_CART_VALUE),
        "channel": _trigger(Record({"channel": Text(choices=("email", "sms"))}, required=("channel",)), "properties"),
        "custom_javascript": _trigger(Free()),
        "delay": _trigger(Record({"seconds": _WHOLE})),
        "device": _trigger(Record({"device": _DEVICE})),
        "exit_intent": _trigger(Free()),
        "identified_profiles": _trigger(Free()),
        "lists_and_segments": _trigger(_LISTS, "properties"),
        "location": _trigger(_LISTS, "properties"),
        "page_visits": _trigger(Record({"pages": _WHOLE})),
        "previously_submitted": _trigger(Free()),
        "profile_event_tracked": _trigger(
            Record({"metric": STRING, "property_filters": Items(_PROPERTY, nullable=True)}), "properties"
        ),
        "scroll_percentage": _trigger(Record({"percentage": _WHOLE})),
        "unidentified_profiles": _trigger(Free()),
        "url_patterns": _trigger(_LISTS),
        "back_in_stock": _trigger(Record({"tag_allowlist": Items(Text()), "tag_blocklist": Items(Text())})),
    },
)

# Versions

_PLACES = (
    "bottom_center",
    "bottom_left",
    "bottom_right",
    "center_left",
    "center_right",
    "top_center",
    "top_left",
    "top_right",
)
_ROW = Record({"id": STRING, "blocks": Items(_BLOCK)}, required=("blocks",))
_COLUMN = Record({"id": STRING, "rows": Items(_ROW), "styles": Free(nullable=True)})
_STEP = Record(
    {"id": STRING, "columns": Items(_COLUMN), "name": STRING, "steps": Items(Document(nullable=False), nullable=True)},
    required=("columns",),
)
_TEASER = Record(
    {
        "id": STRING,
        "content": Text(),
        "display_order": Text(choices=("after", "before", "before_and_after")),
        "teaser_type": Text(choices=("circle", "corner", "rectangle")),
        "location": Text(choices=_PLACES),
        "size": Text(choices=("custom", "large", "medium", "small")),
        "custom_size": _MAYBE_WHOLE,
        "styles": Free(),
        "close_button": Flag(),
        "device_type": _DEVICE,
    },
    required=("content",),
)
_PROPERTIES = Record(
    {
        "side_image_settings": Free(nullable=True),
        "click_outside_to_close": Items(_DEVICE, nullable=True),
        "rule_based_trigger_evaluation": Text(choices=("all", "any"), nullable=True),
        "record_utm_params_on_submit": Flag(),
        "show_close_button": Flag(),
        "accessible_name": STRING,
    }
)
VERSION = Record(
    {
        "id": _MAYBE_WHOLE,
        "steps": Items(_STEP),
        "triggers": Items(_TRIGGER),
        "teasers": Items(_TEASER),
        "dynamic_button": Record(
            {"id": STRING, "type": Text(choices=("BACK_IN_STOCK_OPEN",)), "data": Free()},
            required=("type", "data"),
            nullable=True,
        ),
        "name": STRING,
        "styles": Free(),
        "properties": _PROPERTIES,
        "type": Text(choices=("banner", "embed", "flyout", "full_screen", "popup")),
        "location": Text(choices=_PLACES, nullable=True),
        "status": Text(choices=("draft", "live")),
        "ab_test": Flag(),
        "specialties": Items(Text(choices=("BACK_IN_STOCK",))),
        "channel": Text(choices=("IN_APP", "WEB")),
        "message_priority": _WHOLE,
    },
    required=("steps",),
)
