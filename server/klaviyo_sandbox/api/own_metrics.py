"""Metrics that an account makes of others, and the ones it maps to what its business is made of."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import custom_metrics, mapped_metrics
from klaviyo_sandbox.behaviour.metric_filters import METRIC_FILTERS
from klaviyo_sandbox.declare import Column, Limits, Operation, Relation, Resource, S
from klaviyo_sandbox.shapes import Items, Record, Shape, Text

_DEFINITION: dict[str, Shape] = {
    "aggregation_method": Text(choices=("count", "value")),
    "metric_groups": Items(
        Record(
            {
                "metric_id": Text(shortest=1),
                "metric_filters": METRIC_FILTERS,
                "value_property": STRING,
            },
            required=("metric_id",),
        ),
        least=1,
    ),
}

RESOURCES = (
    Resource(
        "custom-metric",
        Record(
            {
                "name": Text(),
                "created": MOMENT,
                "updated": MOMENT,
                "definition": Record(_DEFINITION),
            }
        ),
        ids="hex",
        relations=(Relation("metrics", "metric", link="custom-metric.metrics"),),
        columns={"name": Column("name", nullable=False)},
        unique=(("name",),),
    ),
    Resource(
        "mapped-metric",
        Record({"updated": MOMENT}),
        ids="mapping",
        malformed=400,
        relations=(
            Relation("metric", "metric", column="metric_id"),
            Relation("custom-metric", "custom-metric", column="custom_metric_id"),
        ),
        columns={"metric_id": Column("_metric_id"), "custom_metric_id": Column("_custom_metric_id")},
        indexes=(("custom_metric_id",),),
        stamps=("", "updated"),
    ),
)

_READ = ("metrics:read",)
_WRITE = ("metrics:write",)
_CUSTOM_METRIC_WRITES = Limits(1, 15, 15)
_MAPPING = Record(
    {
        kind: Record(
            {"data": Record({"type": Text(choices=(kind,)), "id": Text()}, ("type", "id"), nullable=True)}, ("data",)
        )
        for kind in ("metric", "custom-metric")
    }
)


def _related(name: str, path: str, kind: str, parent: str, relation: str, *, many: bool = False) -> Operation:
    """An endpoint that follows a relation; its name says whether in full or by identifiers alone."""
    bare = "/relationships/" in path
    if many:
        run = generic.list_related_ids if bare else generic.list_related
    else:
        run = generic.get_related_id if bare else generic.get_related
    return Operation(name, "GET", path, kind, run, _READ, S, parent=parent, relation=relation, relationships_only=bare)


OPERATIONS = (
    Operation(
        "get_custom_metrics",
        "GET",
        "/api/custom-metrics",
        "custom-metric",
        generic.list_resources,
        _READ,
        S,
        include=("metrics",),
    ),
    Operation(
        "create_custom_metric",
        "POST",
        "/api/custom-metrics",
        "custom-metric",
        custom_metrics.create_custom_metric,
        _WRITE,
        _CUSTOM_METRIC_WRITES,
        body=Record(
            {
                "name": Text(shortest=1),
                "definition": Record(_DEFINITION, required=("aggregation_method", "metric_groups")),
            },
            required=("name", "definition"),
        ),
    ),
    Operation(
        "get_custom_metric",
        "GET",
        "/api/custom-metrics/{id}",
        "custom-metric",
        generic.get_resource,
        _READ,
        S,
        include=("metrics",),
    ),
    Operation(
        "update_custom_metric",
        "PATCH",
        "/api/custom-metrics/{id}",
        "custom-metric",
        custom_metrics.update_custom_metric,
        _WRITE,
        _CUSTOM_METRIC_WRITES,
        body=Record(
            {
                "name": Text(shortest=1, nullable=True),
                "definition": Record(_DEFINITION, required=("aggregation_method", "metric_groups"), nullable=True),
            }
        ),
        identified="required",
    ),
    Operation(
        "delete_custom_metric",
        "DELETE",
        "/api/custom-metrics/{id}",
        "custom-metric",
        custom_metrics.delete_custom_metric,
        _WRITE,
        S,
        empty=True,
    ),
    _related(
        "get_metrics_for_custom_metric",
        "/api/custom-metrics/{id}/metrics",
        "metric",
        "custom-metric",
        "metrics",
        many=True,
    ),
    _related(
        "get_metric_ids_for_custom_metric",
        "/api/custom-metrics/{id}/relationships/metrics",
        "metric",
        "custom-metric",
        "metrics",
        many=True,
    ),
    Operation(
        "get_mapped_metrics",
        "GET",
        "/api/mapped-metrics",
        "mapped-metric",
        generic.list_resources,
        _READ,
        S,
        include=("custom-metric", "metric"),
    ),
    Operation(
        "get_mapped_metric",
        "GET",
        "/api/mapped-metrics/{id}",
        "mapped-metric",
        generic.get_resource,
        _READ,
        S,
        include=("custom-metric", "metric"),
    ),
    Operation(
        "update_mapped_metric",
        "PATCH",
        "/api/mapped-metrics/{id}",
        "mapped-metric",
        mapped_metrics.update_mapped_metric,
        _WRITE,
        Limits(1, 15, 30),
        body=Record({}),
        body_relationships=_MAPPING,
        identified="required",
    ),
    _related("get_metric_for_mapped_metric", "/api/mapped-metrics/{id}/metric", "metric", "mapped-metric", "metric"),
    _related(
        "get_metric_id_for_mapped_metric",
        "/api/mapped-metrics/{id}/relationships/metric",
        "metric",
        "mapped-metric",
        "metric",
    ),
    _related(
        "get_custom_metric_for_mapped_metric",
        "/api/mapped-metrics/{id}/custom-metric",
        "custom-metric",
        "mapped-metric",
        "custom-metric",
    ),
    _related(
        "get_custom_metric_id_for_mapped_metric",
        "/api/mapped-metrics/{id}/relationships/custom-metric",
        "custom-metric",
        "mapped-metric",
        "custom-metric",
    ),
)
