"""Email templates."""

from klaviyo_mcp.sandbox import engine
from klaviyo_mcp.sandbox.api.common import AT_OR_BETWEEN, BY_NAME_LIST, MOMENT, STRING, sortable
from klaviyo_mcp.sandbox.declare import Column, Filter, L, Operation, Page, Resource
from klaviyo_mcp.sandbox.shapes import Free, Items, Number, Record, Text

_DEFINITION = Record(
    {
        "id": STRING,
        "template_id": STRING,
        "body": Record(
            {
                "id": STRING,
                "properties": Record({"css_class": STRING, "id": STRING}, nullable=True),
                "sections": Items(Free()),
                "styles": Record({"background_color": STRING, "width": Number(nullable=True)}, nullable=True),
            }
        ),
        "styles": Items(Free()),
    },
    nullable=True,
)

RESOURCES = (
    Resource(
        "template",
        Record(
            {
                "name": Text(),
                "editor_type": Text(),
                "html": Text(),
                "text": STRING,
                "amp": STRING,
                "created": MOMENT,
                "updated": MOMENT,
                "definition": _DEFINITION,
            }
        ),
        on_request=("definition",),
        columns={
            "name": Column("name"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id")),
    ),
)

_READ = ("templates:read",)

OPERATIONS = (
    Operation(
        "get_templates",
        "GET",
        "/api/templates",
        "template",
        engine.list_resources,
        _READ,
        L,
        filters={
            "id": BY_NAME_LIST,
            "name": Filter(single=("contains", "equals"), listed=("any", "equals")),
            "created": AT_OR_BETWEEN,
            "updated": AT_OR_BETWEEN,
        },
        sorts=sortable("created", "id", "name", "updated"),
        page=Page(10, 10),
        additional=("definition",),
    ),
    Operation(
        "get_template",
        "GET",
        "/api/templates/{id}",
        "template",
        engine.get_resource,
        _READ,
        L,
        additional=("definition",),
    ),
)
