"""Push tokens of the devices people use."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import JULY, MOMENT
from klaviyo_sandbox.api.profile_shapes import DEVICE, JULY_NEW_TOKEN, NEW_TOKEN
from klaviyo_sandbox.behaviour import push_tokens
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.facts import REVISION
from klaviyo_sandbox.shapes import Record, Text

RESOURCES = (
    Resource(
        "push-token",
        Record(
            {
                "created": MOMENT,
                "token": Text(),
                "enablement_status": Text(),
                "platform": Text(),
                "vendor": Text(),
                "background": Text(),
                "recorded_date": MOMENT,
                "metadata": DEVICE,
            }
        ),
        ids="chosen",
        relations=(Relation("profile", "profile", column="profile_id", data=True),),
        columns={
            "profile_id": Column("_profile_id"),
            "token": Column("token"),
            "enablement_status": Column("enablement_status"),
            "platform": Column("platform"),
        },
        indexes=(("profile_id",), ("token",)),
        stamps=("created", ""),
    ),
)


def _create(body: Record, *, revision: str = REVISION) -> Operation:
    return Operation(
        "create_push_token",
        "push-token",
        push_tokens.create,
        body=body,
        largest_body=100 * 1024,
        empty=True,
        entitlement="push",
        revision=revision,
    )


OPERATIONS = (
    Operation("get_push_tokens", "push-token", generic.list_resources, lookups={"profile.id": Lookup("profile_id")}),
    _create(NEW_TOKEN),
    _create(JULY_NEW_TOKEN, revision=JULY),
    Operation("get_push_token", "push-token", generic.get_resource),
    Operation("delete_push_token", "push-token", push_tokens.delete, empty=True),
    Operation("get_profile_for_push_token", "profile", generic.get_related, parent="push-token"),
    Operation("get_profile_id_for_push_token", "profile", generic.get_related_id, parent="push-token"),
)
