"""How many profiles are in a group."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klaviyo_sandbox.calls import Session


def members_of(relation: str) -> Callable[[Session, Sequence[str]], Mapping[str, Any]]:
    """A computation of the number of profiles that `relation` links to each group."""

    def count(session: Session, identifiers: Sequence[str]) -> Mapping[str, int]:
        sql = "SELECT count(*) FROM link WHERE account = ? AND relation = ? AND source = ?"
        return {group: session.store.rows(sql, (session.account, relation, group))[0][0] for group in identifiers}

    return count
