"""Images, from a URL or a file."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BETWEEN, BOOLEAN, BY_ID, BY_NAME_LIST, MATCHES, MOMENT, RANGE, STRING, sortable
from klaviyo_sandbox.behaviour import images
from klaviyo_sandbox.declare import Column, Filter, Limits, M, Operation, Page, Resource
from klaviyo_sandbox.shapes import Flag, Number, Record, Text

RESOURCES = (
    Resource(
        "image",
        Record(
            {
                "name": Text(),
                "image_url": Text(),
                "format": Text(),
                "size": Number(whole=True),
                "hidden": Flag(),
                "updated_at": MOMENT,
            }
        ),
        ids="digits",
        stamps=("", "updated_at"),
        columns={
            "name": Column("name"),
            "format": Column("format", nullable=False),
            "size": Column("size", "number", nullable=False),
            "hidden": Column("hidden", "flag", nullable=False),
            "updated_at": Column("updated_at", "moment", nullable=False),
        },
        indexes=(("name", "id"), ("updated_at", "id")),
    ),
)

_READ, _WRITE = ("images:read",), ("images:write",)

OPERATIONS = (
    Operation(
        "get_images",
        "GET",
        "/api/images",
        "image",
        generic.list_resources,
        _READ,
        M,
        filters={
            "id": BY_ID,
            "updated_at": BETWEEN,
            "format": BY_ID,
            "name": Filter(single=MATCHES, listed=BY_NAME_LIST.listed),
            "size": Filter("number", RANGE),
            "hidden": Filter("flag", ("equals",), listed=("any", "equals")),
        },
        sorts=sortable("format", "id", "name", "size", "updated_at"),
        page=Page(20, 100),
    ),
    Operation("get_image", "GET", "/api/images/{id}", "image", generic.get_resource, _READ, M),
    Operation(
        "upload_image_from_url",
        "POST",
        "/api/images",
        "image",
        images.import_image,
        _WRITE,
        Limits(3, 100, daily=100),
        body=Record(
            {"name": STRING, "import_from_url": Text(shortest=1), "hidden": BOOLEAN}, required=("import_from_url",)
        ),
    ),
    Operation(
        "upload_image_from_file",
        "POST",
        "/api/image-upload",
        "image",
        images.upload_image,
        _WRITE,
        Limits(3, 100, daily=500),
        body=Record({"name": Text(), "hidden": Flag()}),
        upload="file",
    ),
    Operation(
        "update_image",
        "PATCH",
        "/api/images/{id}",
        "image",
        images.update_image,
        _WRITE,
        M,
        body=Record({"name": STRING, "hidden": BOOLEAN}),
        identified="required",
    ),
)
