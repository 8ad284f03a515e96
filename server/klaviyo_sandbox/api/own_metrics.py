"""Metrics that an account makes of others, and the ones it maps to what its business is made of."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import custom_metrics, mapped_metrics
from klaviyo_sandbox.behaviour.metric_filters import METRIC_FILTERS
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
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
        ids="ulid",
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
        precision="microsecond",
    ),
)

_MAPPING = Record(
    {
        kind: Record(
            {"data": Record({"type": Text(choices=(kind,)), "id": Text()}, ("type", "id"), nullable=True)}, ("data",)
        )
        for kind in ("metric", "custom-metric")
    }
)

OPERATIONS = (
    Operation("get_custom_metrics", "custom-metric", generic.list_resources),
    Operation(
        "create_custom_metric",
        "custom-metric",
        custom_metrics.create_custom_metric,
        body=Record(
            {
                "name": Text(shortest=1),
                "definition": Record(_DEFINITION, required=("aggregation_method", "metric_groups")),
            },
            required=("name", "definition"),
        ),
    ),
    Operation("get_custom_metric", "custom-metric", generic.get_resource),
    Operation(
        "update_custom_metric",
        "custom-metric",
        custom_metrics.update_custom_metric,
        body=Record(
            {
                "name": Text(shortest=1, nullable=True),
                "definition": Record(_DEFINITION, required=("aggregation_method", "metric_groups"), nullable=True),
            }
        ),
        identified="required",
    ),
    Operation("delete_custom_metric", "custom-metric", custom_metrics.delete_custom_metric, empty=True),
    Operation("get_metrics_for_custom_metric", "metric", generic.list_related, parent="custom-metric"),
    Operation("get_metric_ids_for_custom_metric", "metric", generic.list_related_ids, parent="custom-metric"),
    Operation("get_mapped_metrics", "mapped-metric", generic.list_resources),
    Operation("get_mapped_metric", "mapped-metric", generic.get_resource),
    Operation(
        "update_mapped_metric",
        "mapped-metric",
        mapped_metrics.update_mapped_metric,
        body=Record({}),
        body_relationships=_MAPPING,
        identified="required",
    ),
    Operation("get_metric_for_mapped_metric", "metric", generic.get_related, parent="mapped-metric"),
    Operation("get_metric_id_for_mapped_metric", "metric", generic.get_related_id, parent="mapped-metric"),
    Operation("get_custom_metric_for_mapped_metric", "custom-metric", generic.get_related, parent="mapped-metric"),
    Operation(
        "get_custom_metric_id_for_mapped_metric", "custom-metric", generic.get_related_id, parent="mapped-metric"
    ),
)
