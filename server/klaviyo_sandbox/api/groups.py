"""What lists and segments have in common: how their members are found, their tags, and the flows they trigger."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BY_NAME_LIST, RANGE
from klaviyo_sandbox.declare import Filter, Operation, S

MEMBER_FILTERS = {
    "email": Filter(listed=("any", "equals"), lowercase=True),
    "phone_number": BY_NAME_LIST,
    "push_token": Filter(
        listed=("any", "equals"),
        column="t.token",
        exists="EXISTS (SELECT 1 FROM push_token AS t WHERE t.account = r.account AND t.profile_id = r.id AND {test})",
    ),
    "_kx": Filter(single=("equals",), column="exchange_id"),
    "joined_group_at": Filter("moment", RANGE, column="l.at"),
}


def relation_operations(group: str) -> tuple[Operation, ...]:
    """The operations that read the tags of a group and the flows it triggers: in full, and only their ids."""
    home = f"/api/{group}s/{{id}}"
    found: list[Operation] = []
    for relation, kind, names in (
        ("tags", "tag", (f"get_tags_for_{group}", f"get_tag_ids_for_{group}")),
        ("flow-triggers", "flow", (f"get_flows_triggered_by_{group}", f"get_ids_for_flows_triggered_by_{group}")),
    ):
        scopes = tuple(sorted((f"{group}s:read", f"{kind}s:read")))
        full = (names[0], f"{home}/{relation}", generic.list_related, False)
        bare = (names[1], f"{home}/relationships/{relation}", generic.list_related_ids, True)
        found += [
            Operation(
                name,
                "GET",
                path,
                kind,
                run,
                scopes,
                S,
                parent=group,
                relation=relation,
                relationships_only=only,
            )
            for name, path, run, only in (full, bare)
        ]
    return tuple(found)
