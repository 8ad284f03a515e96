"""Flows and the actions they are made of."""

from klaviyo_mcp.sandbox import engine
from klaviyo_mcp.sandbox.api.common import AT_OR_BETWEEN, BOOLEAN, IS, MATCHES, MOMENT, STRING, sortable
from klaviyo_mcp.sandbox.declare import Column, Filter, Operation, Page, Relation, Resource, S
from klaviyo_mcp.sandbox.shapes import Document, Free, Items, Record

_TRIGGER_TYPES = ("Metric", "Added to List", "Unconfigured", "Date Based", "Price Drop", "Low Inventory")
_DEFINITION = Record(
    {
        "triggers": Items(Free()),
        "profile_filter": Record({"condition_groups": Items(Free())}, nullable=True),
        "actions": Items(Free()),
        "entry_action_id": STRING,
        "reentry_criteria": Record({"duration": STRING, "unit": STRING}, nullable=True),
    },
    nullable=True,
)

RESOURCES = (
    Resource(
        "flow",
        Record(
            {
                "name": STRING,
                "status": STRING,
                "archived": BOOLEAN,
                "created": MOMENT,
                "updated": MOMENT,
                "trigger_type": STRING,
                "definition": _DEFINITION,
            }
        ),
        on_request=("definition",),
        relations=(
            Relation("flow-actions", "flow-action", foreign="flow_id"),
            Relation("tags", "tag", link="tag.flows", inverse=True),
        ),
        columns={
            "name": Column("name"),
            "status": Column("status"),
            "archived": Column("archived", "flag"),
            "trigger_type": Column("trigger_type"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id")),
        owns=(("flow-action", "flow_id"),),
    ),
    Resource(
        "flow-action",
        Record({"created": MOMENT, "updated": MOMENT, "definition": Document()}),
        relations=(Relation("flow", "flow", column="flow_id"),),
        columns={"flow_id": Column("_flow_id")},
        indexes=(("flow_id", "id"),),
    ),
)

_READ = ("flows:read",)
_INCLUDE = ("flow-actions", "tags")

OPERATIONS = (
    Operation(
        "get_flows",
        "GET",
        "/api/flows",
        "flow",
        engine.list_resources,
        _READ,
        S,
        filters={
            "id": Filter(listed=("any",)),
            "name": Filter(single=MATCHES),
            "status": Filter(single=("equals",)),
            "archived": IS,
            "created": AT_OR_BETWEEN,
            "updated": AT_OR_BETWEEN,
            "trigger_type": Filter(single=("equals",), choices=_TRIGGER_TYPES),
        },
        sorts=sortable("created", "id", "name", "status", "trigger_type", "updated"),
        page=Page(50, 50),
        include=_INCLUDE,
    ),
    Operation(
        "get_flow",
        "GET",
        "/api/flows/{id}",
        "flow",
        engine.get_resource,
        _READ,
        S,
        include=_INCLUDE,
        additional=("definition",),
    ),
)
