"""Billing usage: how much of its plan an account has used in the current period."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.behaviour import billing
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.shapes import Number, Record, Text

_UNITS = ("CAD", "USD", "conversations", "credits", "messages", "orders", "profiles", "resolutions")
_MOMENT = Text(form="moment")

RESOURCES = (
    Resource(
        "billing-usage",
        Record(
            {
                "usage_used": Number(),
                "usage_max": Number(whole=True),
                "unit": Text(choices=_UNITS),
                "period_start": _MOMENT,
                "period_end": _MOMENT,
                "as_of": _MOMENT,
            }
        ),
        ids="chosen",
        path="/api/billing-usage",
        computed={
            "usage_used": billing.used,
            "period_start": billing.period_starts,
            "period_end": billing.period_ends,
            "as_of": billing.read_at,
        },
        stamps=("", ""),
    ),
)

OPERATIONS = (
    Operation("list_billing_usage", "billing-usage", generic.list_resources),
    Operation("get_billing_usage", "billing-usage", generic.get_resource),
)
