"""What the parts of a sign-up form are where nobody says: Klaviyo answers with every setting filled in."""

from collections.abc import Mapping
from typing import Any

from klaviyo_sandbox.loose_json import Json, is_object, items

_FONT: Json = {
    "font_family": "Arial, 'Helvetica Neue', Helvetica, sans-serif",
    "font_size": 16,
    "font_weight": 400,
    "font_style": None,
    "text_decoration": None,
    "character_spacing": 0,
}
_NO_SPACE: Json = dict.fromkeys(("left", "right", "top", "bottom"), 0)
_TEXT: Json = {**_FONT, "text_color": "#000000"}
_RICH: Json = {**_TEXT, "line_spacing": 1, "alignment": "left", "margin": _NO_SPACE}
_QUOTED: Json = {**_TEXT, "alignment": "center", "line_height": 1.5}
_BUTTON_SHADOW: Json = {"enabled": False, "color": "#000000", "blur": 15, "x_offset": 0, "y_offset": 0}
_SHADOW: Json = {"enabled": False, "blur": 30, "color": "rgba(0,0,0,0.15)"}
_BORDER: Json = {"radius": 8, "color": None, "style": None, "thickness": None}
_CLOSE_BUTTON: Json = {
    "background_color": "rgba(180, 187, 195, 0.65)",
    "outline_color": "#FFFFFF",
    "color": "#FFFFFF",
    "stroke": 2,
    "size": 20,
    "margin": _NO_SPACE,
}
_INPUT_STYLES: Json = {
    "text_styles": _TEXT,
    "label_color": "#303B43",
    "text_color": "#000000",
    "placeholder_color": "#949596",
    "background_color": "#FFFFFF",
    "border_color": "#949596",
    "border_focus_color": "#000000",
    "focus_outline_color": "#1C65AD",
    "corner_radius": 2,
    "field_height": 38,
}
_VERSION: Json = {
    "triggers": [],
    "teasers": [],
    "dynamic_button": None,
    "name": None,
    "styles": {
        "wrap_content": False,
        "border_styles": None,
        "close_button": _CLOSE_BUTTON,
        "margin": _NO_SPACE,
        "padding": _NO_SPACE,
        "minimum_height": 250,
        "width": "medium",
        "custom_width": None,
        "background_image": None,
        "background_color": "#FFFFFF",
        "input_styles": _INPUT_STYLES,
        "drop_shadow": _SHADOW,
        "overlay_color": "rgba(20,20,20,0.6)",
        "rich_text_styles": {
            "body": _RICH,
            "link": {"color": "#0066cc", "decoration": "underline"},
            **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _RICH),
        },
        "mobile_overlay": None,
        "banner_styles": None,
        "custom_css": {"enabled": False, "css": ""},
    },
    "properties": {
        "side_image_settings": None,
        "click_outside_to_close": None,
        "rule_based_trigger_evaluation": "any",
        "record_utm_params_on_submit": False,
        "show_close_button": True,
        "accessible_name": None,
    },
    "type": "popup",
    "location": None,
    "status": "draft",
    "ab_test": False,
    "specialties": [],
    "channel": "WEB",
    "message_priority": 50,
}
_STEP: Json = {"name": None, "steps": None}
_COLUMN: Json = {"styles": None}
_TEASER: Json = {
    "display_order": "after",
    "teaser_type": "rectangle",
    "location": "bottom_left",
    "size": "small",
    "custom_size": None,
    "styles": {
        "background_color": "#FFFFFF",
        "drop_shadow": _SHADOW,
        "corner_radius": 4,
        "background_image": None,
        "close_button": _CLOSE_BUTTON,
        "margin": _NO_SPACE,
    },
    "close_button": True,
    "device_type": "both",
}

_PADDED: Json = {"padding": _NO_SPACE, "background_color": None}
_PLACED: Json = {"display_device": ["both"], "classname": None}
_ASKED: Json = {
    **_PLACED,
    "label": None,
    "show_label": False,
    "placeholder": None,
    "required": False,
    "error_messages": None,
}
_ARRANGED: Json = {"arrangement": "vertical", "alignment": "left"}
_CLICKED: Json = {"additional_fields": None}


def _block(properties: Json, **styles: Any) -> Json:
    return {"styles": {**_PADDED, **styles}, "properties": properties}


_BLOCKS: Mapping[str, Json] = {
    "button": _block(
        {**_PLACED, **_CLICKED},
        width="fill",
        height=50,
        alignment="center",
        hover_background_color=None,
        hover_text_color=None,
        border_styles=_BORDER,
        text_styles=_TEXT,
        color=None,
        drop_shadow=_BUTTON_SHADOW,
    ),
    "age_gate": _block(
        {
            **_ASKED,
            "property_name": "$age_gated_date_of_birth",
            "date_format": "MM/DD/YYYY",
            "sms_country_code": "US",
            "required": True,
        }
    ),
    "coupon": _block(
        {**_PLACED, "success_message": None},
        text_styles=_TEXT,
        border_styles=None,
        coupon_background_color="#EEEEEE",
    ),
    "date": _block({**_ASKED, "date_format": "MM/DD"}),
    "email": _block({**_ASKED, "property_name": "$email"}),
    "html_text": _block({**_PLACED, "content": ""}),
    "opt_in_code": _block({**_ASKED, "property_name": "opt_in_code", "required": True}),
    "phone_number": _block(
        {**_ASKED, "property_name": "$phone_number", "sms_consent_type": None, "channel_settings": None}
    ),
    "promotional_sms_checkbox": _block(
        {**_ASKED, "property_name": "opt_in_promotional_sms", "channels": []}, horizontal_alignment="left"
    ),
    "text": _block(_ASKED),
    "checkboxes": _block(_ASKED, **_ARRANGED),
    "radio_buttons": _block(_ASKED, **_ARRANGED),
    "dropdown": _block(_ASKED),
    "image": _block({**_PLACED, **_CLICKED}, horizontal_alignment="center", width=None, drop_shadow=_BUTTON_SHADOW),
    "countdown_timer": _block(
        {**_PLACED, "clock_face": "simple", "animation": "heartbeat"},
        text_styles=_TEXT,
        card_color="rgba(100,100,100, 1.0)",
        label_font_size=12,
        label_font_weight=400,
    ),
    "signup_counter": _block(_PLACED),
    "spin_to_win": _block(
        {**_PLACED, "duplicate_slices": False},
        slice_styles=[],
        text_styles=_TEXT,
        center_color="rgba(255,255,255,1)",
        outline_color="rgba(0,0,0,1)",
        outline_thickness=12,
        pin_color="rgba(255,255,255,1)",
        wheel_size=400,
    ),
    "sms_disclosure": _block(_PLACED, link_styles={**_FONT, "text_color": "#0066cc"}, text_styles=_TEXT),
    "bis_promotional_email_checkbox": _block(
        {**_ASKED, "property_name": "opt_in_promotional_email"}, horizontal_alignment="left"
    ),
    "review": _block(
        {
            **_PLACED,
            **dict.fromkeys(("author", "content", "review_id")),
            "rating": 5,
            "verified": False,
            **dict.fromkeys(("show_rating", "show_author", "show_verified"), True),
        },
        rating_style={
            "color": "#F8BE00",
            "empty_color": "#EBEEEF",
            "font_size": 16,
            "shape": "star",
            "alignment": "center",
            "character_spacing": 0,
        },
        quote_style=_QUOTED,
        reviewer_name_style={**_QUOTED, "layout": "stacked"},
        block_background_color="rgba(255, 255, 255, 0)",
    ),
    "custom_html": {"styles": {}, "properties": {**_PLACED, "content": ""}},
}
_ALLOWED: Json = {"allow_list": None, "deny_list": None}
_COMPARED: Json = {"comparison": None, "value": None}
_TRIGGERS: Mapping[str, Json] = {
    "after_close_or_submit_timeout": {"timeout_days": 5},
    "cart_content": dict.fromkeys(("value", "items", "product")),
    "cart_item_count": _COMPARED,
    "cart_product": {"type": None, "value": None},
    "cart_value": _COMPARED,
    "delay": {"seconds": 5},
    "device": {"device": "desktop"},
    "lists_and_segments": _ALLOWED,
    "location": _ALLOWED,
    "page_visits": {"pages": 3},
    "profile_event_tracked": {"metric": "", "property_filters": None},
    "scroll_percentage": {"percentage": 30},
    "url_patterns": _ALLOWED,
    "back_in_stock": {"tag_allowlist": [], "tag_blocklist": []},
}


def completed(version: Json) -> Json:
    """A version with everything that it leaves out, down to its blocks, its triggers and its teasers."""
    made = _over(_VERSION, version)
    made["steps"] = [_step(step) for step in items(version.get("steps"))]
    made["triggers"] = [
        _over({"properties": _TRIGGERS.get(trigger["type"], {})}, trigger) for trigger in items(version.get("triggers"))
    ]
    made["teasers"] = [_over(_TEASER, teaser) for teaser in items(version.get("teasers"))]
    return made


def _step(step: Json) -> Json:
    columns = [
        {**_COLUMN, **column, "rows": [_row(row) for row in items(column.get("rows"))]}
        for column in items(step.get("columns"))
    ]
    return {**_STEP, **step, "columns": columns}


def _row(row: Json) -> Json:
    return {**row, "blocks": [_over(_BLOCKS[block["type"]], block) for block in items(row.get("blocks"))]}


def _over(defaults: Json, given: Json) -> Json:
    """The defaults with what is given put over them; objects are merged, and null stands for the default."""
    made: Json = {name: _over(value, {}) if is_object(value) else value for name, value in defaults.items()}
    for name, value in given.items():
        default = defaults.get(name)
        if is_object(default) and is_object(value):
            made[name] = _over(default, value)
        elif value is not None or name not in defaults:
            made[name] = value
    return made
