"""Reports on campaigns, flows, forms and segments, computed from stored events."""

from collections.abc import Callable

from klaviyo_sandbox.behaviour import message_reports, other_reports, timeframes
from klaviyo_sandbox.behaviour.reports import Kind
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.shapes import Document, Items, Record, Shape, Text

_TIMEFRAME = Record(
    {"key": Text(choices=tuple(timeframes.KEYS)), "start": Text(form="moment"), "end": Text(form="moment")}
)


def _resource(kind: str) -> Resource:
    shown: dict[str, Shape] = {"results": Items(Document())}
    if kind.endswith("-series-report"):
        shown["date_times"] = Items(Text(form="moment"))
    return Resource(kind, Record(shown), ids="uuid", stamps=("", ""), stored=False)


def _operation(
    name: str,
    subject: str,
    form: str,
    kind: Kind,
    run: Callable[[Call], Answer],
    *,
    converting: bool = False,
    groupable: bool = True,
) -> Operation:
    """A report: on what, in which form, and how it is made."""
    fields: dict[str, Shape] = {
        "statistics": Items(Text(choices=tuple(kind.statistics)), least=1),
        "timeframe": _TIMEFRAME,
        "filter": Text(nullable=True),
    }
    required = ["statistics", "timeframe"]
    if form == "series":
        fields["interval"] = Text(choices=timeframes.INTERVALS)
        required.append("interval")
    if converting:
        fields["conversion_metric_id"] = Text(shortest=1)
        required.append("conversion_metric_id")
    if groupable:
        fields["group_by"] = Items(Text(choices=kind.grouped_by), nullable=True)
    return Operation(name, f"{subject}-{form}-report", run, body=Record(fields, tuple(required)))


_CAMPAIGNS, _FLOWS = message_reports.CAMPAIGNS, message_reports.FLOWS
_FORMS, _SEGMENTS = other_reports.FORMS, other_reports.SEGMENTS

OPERATIONS = (
    _operation(
        "query_campaign_values", "campaign", "values", _CAMPAIGNS, message_reports.query_campaigns, converting=True
    ),
    _operation("query_flow_values", "flow", "values", _FLOWS, message_reports.query_flows, converting=True),
    _operation("query_flow_series", "flow", "series", _FLOWS, message_reports.query_flows, converting=True),
    _operation("query_form_values", "form", "values", _FORMS, other_reports.query_forms),
    _operation("query_form_series", "form", "series", _FORMS, other_reports.query_forms),
    _operation("query_segment_values", "segment", "values", _SEGMENTS, other_reports.query_segments, groupable=False),
    _operation("query_segment_series", "segment", "series", _SEGMENTS, other_reports.query_segments, groupable=False),
)

RESOURCES = tuple(_resource(operation.resource) for operation in OPERATIONS)
