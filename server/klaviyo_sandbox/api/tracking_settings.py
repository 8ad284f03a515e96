"""Tracking settings: which UTM parameters the links in an account's messages get."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BOOLEAN
from klaviyo_sandbox.behaviour import tracking_settings
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.shapes import Choice, Flag, Items, Record, Text

_EVERYWHERE = ("email_subject", "link_alt_text", "message_type", "profile_external_id", "profile_id")
_FLOW_VALUES = ("flow_id", "flow_name", "message_name", "message_name_id", *_EVERYWHERE)
_CAMPAIGN_VALUES = (
    "campaign_id",
    "campaign_name",
    "campaign_name_id",
    "campaign_name_send_day",
    "group_id",
    "group_name",
    "group_name_id",
    *_EVERYWHERE,
)


def _value(dynamic: tuple[str, ...], *, nullable: bool = False) -> Choice:
    """A fixed text, or one of the values that Klaviyo fills in as it sends."""
    required = ("type", "value")
    return Choice(
        "type",
        {
            "static": Record({"type": Text(), "value": Text(shortest=1)}, required),
            "dynamic": Record({"type": Text(), "value": Text(choices=dynamic)}, required),
        },
        nullable=nullable,
    )


_BOTH = {"flow": _value(_FLOW_VALUES, nullable=True), "campaign": _value(_CAMPAIGN_VALUES, nullable=True)}
_PARAMETER = Record(_BOTH, nullable=True)
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_id", "utm_term")
_CUSTOM = Items(
    Record({**_BOTH, "name": Text(shortest=1)}, required=("name",)),
    nullable=True,
)

RESOURCES = (
    Resource(
        "tracking-setting",
        Record({"auto_add_parameters": Flag(), **dict.fromkeys(_UTM, _PARAMETER), "custom_parameters": _CUSTOM}),
        stamps=("", ""),
    ),
)

OPERATIONS = (
    Operation("get_tracking_settings", "tracking-setting", generic.list_resources),
    Operation("get_tracking_setting", "tracking-setting", generic.get_resource),
    Operation(
        "update_tracking_setting",
        "tracking-setting",
        tracking_settings.update_tracking_setting,
        body=Record({"auto_add_parameters": BOOLEAN, **dict.fromkeys(_UTM, _PARAMETER), "custom_parameters": _CUSTOM}),
        identified="required",
    ),
)
