"""What flows are made of: triggers, actions of twenty types, and the messages they send.

Conditions are kept as they are; everything else of a definition is checked.
"""

from klaviyo_sandbox.api.common import BOOLEAN, STRING
from klaviyo_sandbox.shapes import Choice, Document, Flag, Free, Items, Number, Record, Shape, Text

_WHOLE = Number(whole=True)
_MAYBE_WHOLE = Number(whole=True, nullable=True)
_STATUS = Text(choices=("disabled", "draft", "live", "manual"))
_WEEKDAY = Text(choices=("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
_WEEKDAYS = Items(_WEEKDAY, nullable=True)
_GROUPS = Items(Record({"conditions": Items(Free())}, required=("conditions",)))
_FILTER = Record({"condition_groups": _GROUPS}, required=("condition_groups",), nullable=True)

# Triggers

_DATE: dict[str, Shape] = {
    "type": Text(),
    "date_field_type": Text(),
    "timedelta_unit_before_date": Text(choices=("days", "months", "weeks")),
    "timedelta_value_before_date": _WHOLE,
    "recurrence_frequency": Text(choices=("annually", "monthly", "never", "weekly")),
    "timezone": Text(),
    "trigger_time": Text(),
    "trigger_days": _WEEKDAYS,
}
_DATED = ("timedelta_value_before_date", "trigger_time")
_PROPERTY: dict[str, Shape] = {"date_profile_property": Text()}
_OBJECT: dict[str, Shape] = {
    "custom_object_label": Text(),
    "custom_object_property_id": _WHOLE,
    "object_type_id": Text(),
    "object_type_relationship_id": Text(),
}
_PRICE_DROP: dict[str, Shape] = {
    "type": Text(),
    "trigger_filter": _FILTER,
    "price_drop_amount_value": Number(),
    "price_drop_amount_unit": Text(choices=("currency", "percent")),
    "audience": Items(Text(choices=("checkout-started", "viewed"))),
    "timeframe_days": _WHOLE,
    "currency_type": Text(choices=("usd",)),
}
_LOW_INVENTORY: dict[str, Shape] = {
    "type": Text(),
    "product_level": Text(choices=("product", "variant")),
    "trigger_filter": _FILTER,
    "inventory_count": _WHOLE,
    "audience": Items(Text(choices=("added-to-cart", "checkout-started", "viewed"))),
    "timeframe_days": _WHOLE,
}
_TRIGGER = Choice(
    "type",
    {
        "list": Record({"type": Text(), "id": STRING}),
        "segment": Record({"type": Text(), "id": STRING}),
        "metric": Record({"type": Text(), "id": STRING, "trigger_filter": _FILTER}),
        "date": Choice(
            "date_field_type",
            {
                "profile-property": Record({**_DATE, **_PROPERTY}, required=(*_DATED, *_PROPERTY)),
                "custom-object": Record({**_DATE, **_OBJECT}, required=(*_DATED, *_OBJECT)),
            },
        ),
        "price-drop": Record(_PRICE_DROP, required=("trigger_filter", "price_drop_amount_value", "audience")),
        "low-inventory": Record(
            _LOW_INVENTORY, required=("product_level", "trigger_filter", "inventory_count", "audience")
        ),
    },
)

# Messages

_UTM = Record({"param": Text(), "value": Text()}, required=("param", "value"))
_NAMED: dict[str, Shape] = {"name": STRING, "id": STRING}
_TRACKED: dict[str, Shape] = {"add_tracking_params": Flag(), "custom_tracking_params": Items(_UTM, nullable=True)}
_SENT: dict[str, Shape] = {"smart_sending_enabled": Flag(), "transactional": Flag(), "additional_filters": _FILTER}
_BADGE = Choice(
    "badge_config",
    {
        "increment_one": Record({"badge_config": Text()}),
        "set_count": Record({"badge_config": Text(), "value": Text()}, ("value",)),
        "set_property": Record({"badge_config": Text(), "set_from_property": Text()}, ("set_from_property",)),
    },
)
_BUTTON = Record(
    {
        "label": Text(),
        "action_type": Text(choices=("deep_link", "dismiss", "open_app", "open_url")),
        "position": _MAYBE_WHOLE,
        "url": STRING,
        "icon": STRING,
        "custom_action_id": STRING,
    },
    required=("label", "action_type"),
)
_EMAIL_TEXTS = ("from_email", "from_label", "reply_to_email", "cc_email", "bcc_email", "subject_line", "preview_text")
_EMAIL = Record({**dict.fromkeys(_EMAIL_TEXTS, STRING), "template_id": STRING, **_SENT, **_TRACKED, **_NAMED})
_SMS_FLAGS = (
    "shorten_links",
    "include_contact_card",
    "add_org_prefix",
    "add_info_link",
    "add_opt_out_language",
    "sms_quiet_hours_enabled",
)
_SMS = Record(
    {
        "body": Text(),
        "image_id": STRING,
        "dynamic_image": STRING,
        "message_hierarchy": Items(Document(), nullable=True),
        **dict.fromkeys(_SMS_FLAGS, Flag()),
        "template_id": STRING,
        **_SENT,
        **_TRACKED,
        **_NAMED,
    },
    required=("body",),
)
_PUSH_TEXTS = ("title", "image_id", "dynamic_image", "video_asset_id", "ios_link", "android_link", "web_url")
_PUSH = Record(
    {
        **dict.fromkeys(_PUSH_TEXTS, STRING),
        "body": Text(),
        "sound": Flag(),
        "badge": Flag(),
        "badge_options": _BADGE,
        "on_open": Text(choices=("home", "link", "open_url")),
        "push_type": Text(choices=("silent", "standard"), nullable=True),
        "kv_pairs": Free(nullable=True),
        "conversion_metric_id": STRING,
        "smart_sending_enabled": Flag(),
        "additional_filters": _FILTER,
        "action_buttons": Items(_BUTTON, nullable=True),
        **_NAMED,
    },
    required=("body",),
)
_WEBHOOK = Record({"url": STRING, "headers": Free(nullable=True), "body": STRING, **_NAMED}, required=("url",))
_ALERT_FIELDS = ("from_email", "from_label", "to_emails", "subject_line")
_ALERT = Record(
    {**dict.fromkeys(_ALERT_FIELDS, STRING), "to_emails": Items(Text()), "template_id": STRING, **_NAMED},
    required=_ALERT_FIELDS,
)
_WHATSAPP = Record(
    {
        "vendor_id": STRING,
        "automation_id": STRING,
        "expiry_hours": _MAYBE_WHOLE,
        **_SENT,
        "add_tracking_params": Flag(),
        **_NAMED,
    }
)
# What a reader may ask of a message, whatever its channel.
MESSAGE = Record(
    {
        name: shape
        for message in (_EMAIL, _SMS, _PUSH, _WEBHOOK, _ALERT, _WHATSAPP)
        for name, shape in message.fields.items()
    }
)

# Actions

_NEXT = Record({"next": STRING})
_BRANCHES = Record({"next_if_true": STRING, "next_if_false": STRING}, required=("next_if_true", "next_if_false"))


def _action(data: Shape, *required: str, links: Shape = _NEXT) -> Record:
    """An action with settings like `data`."""
    fields: dict[str, Shape] = {"id": STRING, "temporary_id": STRING, "type": Text(), "links": links, "data": data}
    return Record(fields, required=required)


def _sends(message: Record, *required: str) -> Record:
    return _action(Record({"message": message, "status": _STATUS}, required=required))


def _tests(variants: dict[str, Record], winners: tuple[str, ...], more: dict[str, Shape]) -> Record:
    """An action that tries variations of a message."""
    variation = Choice("type", variants)
    experiment: dict[str, Shape] = {
        "id": STRING,
        "name": STRING,
        "variations": Items(variation),
        "allocations": Free(nullable=True),
        "started": STRING,
        "winner_metric": Text(choices=winners, nullable=True),
        **more,
    }
    data: dict[str, Shape] = {
        "status": _STATUS,
        "experiment_status": Text(choices=("completed", "draft", "live"), nullable=True),
        "main_action": variation,
        "current_experiment": Record(experiment, required=("variations",), nullable=True),
    }
    return _action(Record(data, required=("main_action",)), "data")


_DELAY: dict[str, Shape] = {
    "value": _WHOLE,
    "timezone": Text(),
    "delay_until_time": STRING,
    "delay_until_weekdays": _WEEKDAYS,
}
_TRIGGER_TYPES = ("date", "list", "low-inventory", "metric", "price-drop", "scheduled", "segment")
_SPLIT_ON_TRIGGER = Record(
    {
        "trigger_filter": _FILTER,
        "trigger_id": Text(),
        "trigger_type": Text(choices=_TRIGGER_TYPES),
        "trigger_subtype": STRING,
    },
    required=("trigger_filter", "trigger_id", "trigger_type"),
)


def _sets(value: Shape, more: dict[str, Shape] | None = None) -> Record:
    """An operation that gives a property a value like this."""
    fields: dict[str, Shape] = {"operator": Text(), "property_type": Text(), "property_key": Text(), **(more or {})}
    return Record({**fields, "property_value": value}, required=("property_key", "property_value"))


_SETS = Choice(
    "property_type",
    {
        "string": _sets(Text()),
        "boolean": _sets(Flag()),
        "numeric": _sets(Number()),
        "date": _sets(Text()),
        "list": _sets(Text(), {"property_operation": Text(choices=("add", "remove"), nullable=True)}),
    },
)
_DELETES = Record({"operator": Text(), "property_key": Text()}, required=("property_key",))
_OPERATION = Choice("operator", {"create": _SETS, "update": _SETS, "delete": _DELETES})
_BRANCH = Record(
    {
        "branch_id": Text(),
        "order": _MAYBE_WHOLE,
        "is_else": Flag(),
        "branch_filter": _FILTER,
        "links": _NEXT,
        "name": STRING,
    },
    required=("branch_id",),
)
_LIST_UPDATE = Record(
    {"name": Text(), "on_execution": BOOLEAN, "list_id": STRING, "status": _STATUS},
    required=("name", "on_execution", "list_id"),
)
_WINNER_SETTINGS = Record(
    {"enabled": Flag(), "automatic_end_date": STRING, "automatic_end_statistical_certainty": Flag()},
    required=("enabled", "automatic_end_statistical_certainty"),
)
_SEND_EMAIL, _SEND_SMS, _SEND_PUSH, _SEND_WHATSAPP = _sends(_EMAIL), _sends(_SMS), _sends(_PUSH), _sends(_WHATSAPP)
ACTION = Choice(
    "type",
    {
        "action-output-split": _action(
            Record({"action_output_filter": _FILTER}, required=("action_output_filter",)), links=_BRANCHES
        ),
        "back-in-stock-delay": Record({"id": STRING, "temporary_id": STRING, "type": Text(), "links": _NEXT}),
        "conditional-split": _action(
            Record({"profile_filter": _FILTER}, required=("profile_filter",)), links=_BRANCHES
        ),
        "content-experiment": _tests(
            {"send-mobile-push": _SEND_PUSH, "send-whatsapp": _SEND_WHATSAPP}, ("click-rate", "open-rate"), {}
        ),
        "send-email": _SEND_EMAIL,
        "send-mobile-push": _SEND_PUSH,
        "send-sms": _SEND_SMS,
        "send-webhook": _sends(_WEBHOOK, "message"),
        "send-internal-alert": _sends(_ALERT, "message"),
        "send-whatsapp": _SEND_WHATSAPP,
        "time-delay": _action(
            Record(
                {**_DELAY, "unit": Text(choices=("days", "hours", "minutes")), "secondary_value": _MAYBE_WHOLE},
                required=("value",),
            ),
            "data",
        ),
        "trigger-split": _action(_SPLIT_ON_TRIGGER, links=_BRANCHES),
        "update-profile": _action(
            Record({"profile_operations": Items(_OPERATION), "status": _STATUS}, required=("profile_operations",))
        ),
        "target-date": _action(Record({"timezone": Text(), "target_time": Text(), "target_days": _WEEKDAYS}), "data"),
        "countdown-delay": _action(Record({**_DELAY, "unit": Text(choices=("days", "months", "weeks"))}), "data"),
        "ab-test": _tests(
            {"send-email": _SEND_EMAIL, "send-sms": _SEND_SMS},
            ("submission", "unique-clicks", "unique-opens", "unique-placed-orders"),
            {"automatic_winner_selection_settings": _WINNER_SETTINGS},
        ),
        "internal-service": _action(Record({"service_configuration": Free(), "status": _STATUS})),
        "code": _action(Document()),
        "multi-branch-split": _action(
            Record({"branches": Items(_BRANCH), "name": Text()}, required=("branches", "name")),
            links=Free(nullable=True),
        ),
        "list-update": _action(_LIST_UPDATE, "data"),
    },
)

# The one link of an action that is there on which a new one is put.
_ANCHOR_LINKS = Record({**_NEXT.fields, **_BRANCHES.fields})
_ANCHOR_BRANCH = Record({"branch_id": Text(), "links": _NEXT}, required=("branch_id", "links"))
_ANCHOR_DATA = Record({"branches": Items(_ANCHOR_BRANCH)}, required=("branches",))
_LINKED = Record({"type": Text(), "links": _ANCHOR_LINKS}, required=("type", "links"))
_ANCHORED = Choice(
    "type",
    {
        **dict.fromkeys(ACTION.variants, _LINKED),
        "multi-branch-split": Record({"type": Text(), "data": _ANCHOR_DATA}, required=("type", "data")),
    },
)
_ANCHOR = Record(
    {
        "type": Text(choices=("flow-action",)),
        "id": Text(shortest=1),
        "attributes": Record({"definition": _ANCHORED}, required=("definition",)),
    },
    required=("type", "id", "attributes"),
)
INSERTION = Record(
    {
        "definition": ACTION,
        "allow_live_action": Flag(),
        "anchor-action": Record({"data": _ANCHOR}, required=("data",), nullable=True),
    },
    required=("definition",),
)

_UNIT = Text(choices=("day", "hour", "week", "alltime"))
DEFINITION = Record(
    {
        "triggers": Items(_TRIGGER),
        "profile_filter": _FILTER,
        "actions": Items(ACTION),
        "entry_action_id": STRING,
        "reentry_criteria": Record({"duration": _WHOLE, "unit": _UNIT}, required=("duration", "unit"), nullable=True),
    },
    required=("triggers", "actions", "entry_action_id"),
)
