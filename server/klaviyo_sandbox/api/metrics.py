"""Metrics: the kinds of events an account has seen, their properties, and metrics that are made of others."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api import own_metrics
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import aggregates, metric_properties
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Document, Free, Items, Number, Record, Scalar, Text

RESOURCES = (
    Resource(
        "metric",
        Record({"name": STRING, "created": STRING, "updated": STRING, "integration": Free(nullable=True)}),
        relations=(
            Relation("flow-triggers", "flow", link="metric.flow-triggers"),
            Relation("metric-properties", "metric-property", foreign="metric_id", hidden=True),
        ),
        columns={
            "name": Column("name"),
            "service": Column("integration.key"),
            "integration_name": Column("integration.name"),
            "integration_category": Column("integration.category"),
        },
        unique=(("name", "service"),),
    ),
    Resource(
        "metric-property",
        Record(
            {
                "label": Text(),
                "property": Text(),
                "inferred_type": Text(),
                "sample_values": Items(Scalar(kinds=("string", "number", "boolean")), nullable=True),
            }
        ),
        ids="encoded",
        on_request=("sample_values",),
        relations=(Relation("metric", "metric", column="metric_id"),),
        columns={"metric_id": Column("_metric_id")},
        stamps=("", ""),
        path="/api/metric-properties",
        stored=False,
    ),
    *own_metrics.RESOURCES,
    Resource(
        "metric-aggregate",
        Record({"dates": Items(MOMENT), "data": Items(Document())}),
        ids="signed",
        stamps=("", ""),
        stored=False,
    ),
)

OPERATIONS = (
    Operation(
        "get_metrics",
        "metric",
        generic.list_resources,
        lookups={
            "integration.name": Lookup("integration_name"),
            "integration.category": Lookup("integration_category"),
        },
    ),
    Operation("get_metric", "metric", generic.get_resource),
    Operation("get_flows_triggered_by_metric", "flow", generic.list_related, parent="metric"),
    Operation("get_ids_for_flows_triggered_by_metric", "flow", generic.list_related_ids, parent="metric"),
    Operation("get_properties_for_metric", "metric-property", metric_properties.list_of_metric, parent="metric"),
    Operation("get_property_ids_for_metric", "metric-property", metric_properties.list_ids_of_metric, parent="metric"),
    Operation("get_metric_property", "metric-property", metric_properties.get_property),
    Operation("get_metric_for_metric_property", "metric", metric_properties.get_metric, parent="metric-property"),
    Operation("get_metric_id_for_metric_property", "metric", metric_properties.get_metric_id, parent="metric-property"),
    *own_metrics.OPERATIONS,
    Operation(
        "query_metric_aggregates",
        "metric-aggregate",
        aggregates.query_metric_aggregates,
        body=Record(
            {
                "metric_id": Text(shortest=1),
                "page_cursor": Text(),
                "measurements": Items(Text(choices=aggregates.MEASUREMENTS), least=1),
                "interval": Text(choices=aggregates.INTERVALS, nullable=True),
                "page_size": Number(whole=True, nullable=True),
                "by": Items(Text(choices=aggregates.DIMENSIONS), nullable=True),
                "return_fields": Items(Text(), nullable=True),
                "filter": Items(Text(), least=1),
                "timezone": Text(nullable=True),
                "sort": Text(),
            },
            required=("metric_id", "measurements", "filter"),
        ),
    ),
)
