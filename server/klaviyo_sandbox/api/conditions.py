"""What the definition of a segment looks like: groups of conditions, and the filters inside them."""

from collections.abc import Iterable

from klaviyo_sandbox.shapes import Choice, Flag, Free, Items, Number, Record, Scalar, Shape, Text

_NUMBER, _WHOLE = Number(), Number(whole=True)
_TEXT = Text(nullable=True)
_WORDS = Items(Text())
_MOMENT = Text(form="moment")
_UNIT = Text(choices=("day", "hour", "week"))


def _filter(kind: str, operators: Iterable[str], **fields: Shape) -> dict[str, Record]:
    """Variants by operator of a filter of one type; every field is required."""
    return {
        operator: Record(
            {"type": Text(choices=(kind,)), "operator": Text(choices=(operator,)), **fields},
            required=("type", "operator", *fields),
        )
        for operator in operators
    }


def _of(**types: dict[str, Record]) -> Choice:
    """A filter that is told by its type, and then by its operator."""
    return Choice("type", {kind: Choice("operator", variants) for kind, variants in types.items()})


_COMPARISONS = ("equals", "greater-than", "greater-than-or-equal", "less-than", "less-than-or-equal", "not-equals")
_LENGTHS = tuple(f"length-{name}" for name in _COMPARISONS[:-1])
_SPAN: dict[str, Shape] = {"unit": _UNIT, "quantity": _WHOLE}
_FIXED = {
    **_filter("date", ("after", "before"), date=_MOMENT),
    **_filter("date", ("between-static",), start=_MOMENT, end=_MOMENT),
    **_filter("date", ("at-least", "in-the-last", "in-the-next"), **_SPAN),
    **_filter("date", ("between",), start=_WHOLE, end=_WHOLE, unit=_UNIT),
}
_RECURRING = _filter("date", ("anniversary-last", "anniversary-next"), **_SPAN)
_DATES = {
    **_FIXED,
    **_RECURRING,
    **_filter("date", ("calendar-month",), value=_WHOLE),
    **_filter("date", ("anniversary", "anniversary-month")),
}
_NUMERIC = _filter("numeric", _COMPARISONS, value=_NUMBER)
_BOOLEAN = _filter("boolean", ("equals",), value=Flag())
_EXISTENCE = _filter("existence", ("is-set", "not-set"))
_STRING = {
    **_filter(
        "string",
        (
            "contains",
            "ends-with",
            "equals",
            "not-contains",
            "not-ends-with",
            "not-equals",
            "not-starts-with",
            "nregex",
            "regex",
            "starts-with",
        ),
        value=_TEXT,
    ),
    **_filter("string", ("in", "not-in"), value=_WORDS),
}
_PHONE = _filter("string", ("phone-country-code-in", "phone-country-code-not-in"), value=_WORDS)
_LENGTH = _filter("list", _LENGTHS, value=_WHOLE)

_TIMEFRAME = _of(date={**_FIXED, **_RECURRING, **_filter("date", ("alltime",))})
_PROPERTY = _of(
    string={**_STRING, **_PHONE},
    numeric=_NUMERIC,
    boolean=_BOOLEAN,
    date=_DATES,
    list={**_filter("list", ("contains", "not-contains"), value=Scalar(kinds=("number", "string"))), **_LENGTH},
    existence=_EXISTENCE,
)
_EVENT_PROPERTY = _of(
    string=_STRING,
    existence=_EXISTENCE,
    list={
        **_filter("list", ("contains-all", "contains-any", "not-contains-all", "not-contains-any"), value=_WORDS),
        **_filter("list", ("contains-substring", "not-contains-substring"), value=_TEXT),
        **_LENGTH,
    },
    boolean=_BOOLEAN,
    numeric=_NUMERIC,
)
_METRIC_FILTERS = Items(Record({"property": Text(), "filter": _EVENT_PROPERTY}, required=("property",)), nullable=True)


def _condition(kind: str, *optional: str, **fields: Shape) -> Record:
    required = tuple(name for name in fields if name not in optional)
    return Record({"type": Text(choices=(kind,)), **fields}, required=("type", *required))


def _consent(*subscriptions: str) -> Record:
    status = Record(
        {"subscription": Text(choices=subscriptions), "filters": Items(Free(), nullable=True)},
        required=("subscription",),
    )
    return Record(
        {"channel": Text(), "can_receive_marketing": Flag(), "consent_status": status},
        required=("channel", "can_receive_marketing", "consent_status"),
    )


def _predicted(dimension: str, shape: Shape, **fields: Shape) -> Record:
    return _condition("profile-predictive-analytics", dimension=Text(choices=(dimension,)), **fields, filter=shape)


_NUMBERS_PREDICTED = (
    "average_days_between_orders",
    "average_order_value",
    "churn_probability",
    "historic_clv",
    "historic_number_of_orders",
    "predicted_clv",
    "predicted_number_of_orders",
    "total_clv",
)
_PREDICTED_CHANNEL = Text(choices=("email", "push", "sms", "whatsapp"))
_REACHABLE = tuple(
    f"{how}_{what}"
    for how in ("explicitly", "implicitly", "implicitly_or_explicitly")
    for what in ("reachable", "unreachable")
)
_WINDOWS = (
    "DAYS_1",
    "DAYS_180",
    "DAYS_3",
    "DAYS_30",
    "DAYS_5",
    "DAYS_90",
    "HOURS_1",
    "WEEKS_1",
    "YEARS_1",
)

_CONDITION = Choice(
    "type",
    {
        "profile-group-membership": _condition(
            "profile-group-membership",
            "timeframe_filter",
            is_member=Flag(),
            group_ids=_WORDS,
            timeframe_filter=_of(date=_FIXED),
        ),
        "profile-metric": _condition(
            "profile-metric",
            "metric_filters",
            metric_id=Text(),
            measurement=Text(choices=("count", "sum")),
            measurement_filter=_of(numeric=_NUMERIC),
            timeframe_filter=_TIMEFRAME,
            metric_filters=_METRIC_FILTERS,
        ),
        "profile-marketing-consent": _condition(
            "profile-marketing-consent",
            consent=Choice(
                "channel",
                {
                    "email": _consent("any", "subscribed", "unsubscribed", "never_subscribed"),
                    "sms": _consent("any", "subscribed", "unsubscribed", "never_subscribed"),
                    "push": _consent("any"),
                },
            ),
        ),
        "profile-postal-code-distance": _condition(
            "profile-postal-code-distance",
            country_code=Text(),
            postal_code=Text(),
            unit=Text(choices=("kilometers", "miles")),
            filter=_of(numeric=_filter("numeric", ("greater-than", "less-than"), value=_NUMBER)),
        ),
        "profile-property": _condition("profile-property", property=Text(shortest=1), filter=_PROPERTY),
        "profile-region": _condition(
            "profile-region", in_region=Flag(), region=Text(choices=("european_union", "united_states"))
        ),
        "profile-predictive-analytics": Choice(
            "dimension",
            {
                "expected_date_of_next_purchase": _predicted("expected_date_of_next_purchase", _of(date=_DATES)),
                **{name: _predicted(name, _of(numeric=_NUMERIC)) for name in _NUMBERS_PREDICTED},
                "predicted_gender": _predicted(
                    "predicted_gender",
                    _of(
                        string=_filter(
                            "string",
                            ("equals", "not-equals"),
                            value=Text(choices=("likely_female", "likely_male", "uncertain")),
                        )
                    ),
                ),
                "channel_affinity": Choice(
                    "measurement",
                    {
                        "priority": _predicted(
                            "channel_affinity",
                            _of(numeric=_filter("numeric", ("equals",), value=_WHOLE)),
                            measurement=Text(choices=("priority",)),
                            predicted_channel=_PREDICTED_CHANNEL,
                        ),
                        "rank": _predicted(
                            "channel_affinity",
                            _of(
                                string=_filter(
                                    "string", ("equals", "not-equals"), value=Text(choices=("high", "low", "medium"))
                                )
                            ),
                            measurement=Text(choices=("rank",)),
                            predicted_channel=_PREDICTED_CHANNEL,
                        ),
                    },
                ),
            },
        ),
        "profile-has-custom-object": _condition(
            "profile-has-custom-object",
            object_type_id=Text(),
            object_type_relationship_id=Text(),
            filter=_of(numeric=_filter("numeric", _COMPARISONS, value=_WHOLE)),
            filters=Items(Record({"property_id": _WHOLE, "filter": Free()}, required=("property_id", "filter"))),
        ),
        "profile-permissions": _condition(
            "profile-permissions",
            permission=Record(
                {"reachable_status": Text(choices=_REACHABLE), "filters": Items(Free())},
                required=("reachable_status",),
            ),
            channel=Text(choices=("whatsapp_marketing", "whatsapp_transactional")),
        ),
        "profile-metric-funnel": _condition(
            "profile-metric-funnel",
            "completion_window_seconds",
            timeframe_filter=_of(date=_FIXED),
            completion_window_seconds=Text(choices=_WINDOWS, nullable=True),
            steps=Items(
                Record(
                    {"metric_exists": Flag(), "metric_id": Text(), "metric_filters": _METRIC_FILTERS},
                    required=("metric_exists", "metric_id"),
                )
            ),
        ),
    },
)

DEFINITION = Record(
    {
        "condition_groups": Items(
            Record({"conditions": Items(_CONDITION, least=1)}, required=("conditions",)),
            least=1,
        )
    },
    required=("condition_groups",),
)
