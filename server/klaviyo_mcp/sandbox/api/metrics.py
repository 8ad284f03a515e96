"""Metrics: the kinds of events an account has seen."""

from klaviyo_mcp.sandbox import engine
from klaviyo_mcp.sandbox.api.common import STRING
from klaviyo_mcp.sandbox.declare import Column, Filter, M, Operation, Page, Relation, Resource
from klaviyo_mcp.sandbox.shapes import Free, Record

RESOURCES = (
    Resource(
        "metric",
        Record({"name": STRING, "created": STRING, "updated": STRING, "integration": Free(nullable=True)}),
        relations=(Relation("flow-triggers", "flow", link="metric.flow-triggers"),),
        columns={
            "name": Column("name"),
            "service": Column("integration.key"),
            "integration_name": Column("integration.name"),
            "integration_category": Column("integration.category"),
        },
        unique=(("name", "service"),),
    ),
)

_READ = ("metrics:read",)

OPERATIONS = (
    Operation(
        "get_metrics",
        "GET",
        "/api/metrics",
        "metric",
        engine.list_resources,
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
        "get_metric", "GET", "/api/metrics/{id}", "metric", engine.get_resource, _READ, M, include=("flow-triggers",)
    ),
)
