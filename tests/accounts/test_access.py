"""What a connection is known to be allowed: the scopes of a grant, and what refusals teach of a key."""

from typing import Any

from klaviyo_mcp.accounts.permissions import SCOPE_LIFE, GrantedAccess, LearnedAccess
from klaviyo_mcp.klaviyo.errors import ApiProblem, PermissionDenied


def refusal(detail: str) -> PermissionDenied:
    return PermissionDenied(detail, status=403, problems=(ApiProblem(code="permission_denied", detail=detail),))


def test_a_grant_says_what_is_missing_and_how_to_get_it() -> None:
    scopes = ["lists:read"]
    access = GrantedAccess("shop", lambda: scopes)
    assert access.denial("get_lists", ["lists:read"]) is None
    denial = access.denial("create_list", ["lists:read", "lists:write"])
    assert denial is not None
    assert denial.scopes == ("lists:write",)
    assert denial.advice.endswith("klaviyo-mcp connect --name shop --scopes lists:read,lists:write")
    scopes.append("lists:write")
    assert access.denial("create_list", ["lists:write"]) is None, "a reconnected account counts at once"


async def test_a_scope_that_a_refusal_names_is_missing_for_every_action() -> None:
    now = [0.0]
    kept: list[dict[str, Any]] = []

    async def keep(facts: dict[str, Any]) -> None:
        kept.append(facts)

    access = LearnedAccess("shop", keep=keep, clock=lambda: now[0])
    now[0] = 1e9
    await access.learn(["lists:write"], refusal("The key is missing the required scopes: lists:write."))
    denial = access.denial("update_list", ["lists:read", "lists:write"])
    assert denial is not None
    assert denial.scopes == ("lists:write",)
    assert access.denial("get_lists", ["lists:read"]) is None
    again = LearnedAccess("shop", kept[-1], keep=keep, clock=lambda: now[0])
    assert again.denial("update_list", ["lists:write"]) is not None
    now[0] += SCOPE_LIFE + 1
    assert again.denial("update_list", ["lists:write"]) is None


async def test_a_refusal_without_a_scope_teaches_nothing() -> None:
    access = LearnedAccess("default")
    for words in ("You must have Advanced KDP enabled.", "You do not have permission to perform this action."):
        await access.learn(["webhooks:write"], refusal(words))
    await access.learn(["webhooks:write"], PermissionDenied("answered 403", status=403))
    assert access.denial("create_webhook", ["webhooks:write"]) is None
