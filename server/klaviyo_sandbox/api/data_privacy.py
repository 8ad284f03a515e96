"""Requests to delete what is known about a person."""

from klaviyo_sandbox.api.common import STRING
from klaviyo_sandbox.behaviour import privacy
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.shapes import Record, Text

_PROFILE = Record(
    {
        "data": Record(
            {
                "type": Text(choices=("profile",)),
                "id": STRING,
                "attributes": Record(
                    {"email": Text(form="email", nullable=True), "phone_number": Text(form="phone", nullable=True)}
                ),
            },
            required=("type", "attributes"),
        )
    },
    required=("data",),
)

RESOURCES = (Resource("data-privacy-deletion-job", Record({}), stored=False),)

OPERATIONS = (
    Operation(
        "request_profile_deletion",
        "data-privacy-deletion-job",
        privacy.request_deletion,
        body=Record({"profile": _PROFILE}, required=("profile",)),
        empty=True,
    ),
)

WORK = {"profile.delete": privacy.delete}
