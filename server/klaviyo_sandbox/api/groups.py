"""What lists and segments have in common: how their members are found, their tags, and the flows they trigger."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.declare import Lookup, Operation

MEMBER_LOOKUPS = {
    "email": Lookup(lowercase=True),
    "push_token": Lookup(
        "t.token",
        exists="EXISTS (SELECT 1 FROM push_token AS t WHERE t.account = r.account AND t.profile_id = r.id AND {test})",
    ),
    "_kx": Lookup("exchange_id"),
    "joined_group_at": Lookup("l.at"),
}


def relation_operations(group: str) -> tuple[Operation, ...]:
    """The operations that read the tags of a group and the flows it triggers: in full, and only their ids."""
    return (
        Operation(f"get_tags_for_{group}", "tag", generic.list_related, parent=group),
        Operation(f"get_tag_ids_for_{group}", "tag", generic.list_related_ids, parent=group),
        Operation(f"get_flows_triggered_by_{group}", "flow", generic.list_related, parent=group),
        Operation(f"get_ids_for_flows_triggered_by_{group}", "flow", generic.list_related_ids, parent=group),
    )
