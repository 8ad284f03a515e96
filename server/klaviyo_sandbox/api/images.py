"""Images, from a URL or a file."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BOOLEAN, MOMENT, STRING
from klaviyo_sandbox.behaviour import images
from klaviyo_sandbox.declare import Column, Operation, Resource
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

OPERATIONS = (
    Operation("get_images", "image", generic.list_resources),
    Operation("get_image", "image", generic.get_resource),
    Operation(
        "upload_image_from_url",
        "image",
        images.import_image,
        body=Record(
            {"name": STRING, "import_from_url": Text(shortest=1), "hidden": BOOLEAN}, required=("import_from_url",)
        ),
    ),
    Operation(
        "upload_image_from_file",
        "image",
        images.upload_image,
        body=Record({"name": Text(), "hidden": Flag()}),
        upload="file",
    ),
    Operation(
        "update_image",
        "image",
        images.update_image,
        body=Record({"name": STRING, "hidden": BOOLEAN}),
        identified="required",
    ),
)
