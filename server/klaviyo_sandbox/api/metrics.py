"""Metrics: the kinds of events an account has seen, their properties, and metrics that are made of others."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api import own_metrics
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import aggregates, metric_properties
from klaviyo_sandbox.declare import XS, Column, Filter, M, Operation, Page, Relation, Resource, S
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
        ids="hex",
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
        ids="uuid",
        stamps=("", ""),
        stored=False,
    ),
)

_READ = ("metrics:read",)

OPERATIONS = (
    Operation(
        "get_metrics",
        "GET",
        "/api/metrics",
        "metric",
        generic.list_resources,
        _READ,
        M,
        filters={
            "integration.name": Filter(single=("equals",), column="integration_name"),
            "integration.category": Filter(single=("equals",), column="integration_category"),
        },
        page=Page(200, 200, sizable=False),
        include=("flow-triggers",),
    ),
    Operation(
        "get_metric", "GET", "/api/metrics/{id}", "metric", generic.get_resource, _READ, M, include=("flow-triggers",)
    ),
    Operation(
        "get_flows_triggered_by_metric",
        "GET",
        "/api/metrics/{id}/flow-triggers",
        "flow",
        generic.list_related,
        ("flows:read", *_READ),
        M,
        parent="metric",
        relation="flow-triggers",
    ),
    Operation(
        "get_ids_for_flows_triggered_by_metric",
        "GET",
        "/api/metrics/{id}/relationships/flow-triggers",
        "flow",
        generic.list_related_ids,
        ("flows:read", *_READ),
        M,
        parent="metric",
        relation="flow-triggers",
        relationships_only=True,
    ),
    Operation(
        "get_properties_for_metric",
        "GET",
        "/api/metrics/{id}/metric-properties",
        "metric-property",
        metric_properties.list_of_metric,
        _READ,
        XS,
        parent="metric",
        relation="metric-properties",
        additional=("sample_values",),
    ),
    Operation(
        "get_property_ids_for_metric",
        "GET",
        "/api/metrics/{id}/relationships/metric-properties",
        "metric-property",
        metric_properties.list_ids_of_metric,
        _READ,
        XS,
        parent="metric",
        relation="metric-properties",
        relationships_only=True,
    ),
    Operation(
        "get_metric_property",
        "GET",
        "/api/metric-properties/{id}",
        "metric-property",
        metric_properties.get_property,
        _READ,
        XS,
        include=("metric",),
        additional=("sample_values",),
    ),
    Operation(
        "get_metric_for_metric_property",
        "GET",
        "/api/metric-properties/{id}/metric",
        "metric",
        metric_properties.get_metric,
        _READ,
        XS,
        parent="metric-property",
        relation="metric",
    ),
    Operation(
        "get_metric_id_for_metric_property",
        "GET",
        "/api/metric-properties/{id}/relationships/metric",
        "metric",
        metric_properties.get_metric_id,
        _READ,
        XS,
        parent="metric-property",
        relation="metric",
        relationships_only=True,
    ),
    *own_metrics.OPERATIONS,
    Operation(
        "query_metric_aggregates",
        "POST",
        "/api/metric-aggregates",
        "metric-aggregate",
        aggregates.query_metric_aggregates,
        _READ,
        S,
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
