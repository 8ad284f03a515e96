"""Addresses of requests that would be too long: refused before anything is sent, with the number that fits."""

import re

import httpx2
import pytest

from klaviyo_mcp.accounts.account import open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import LONGEST_TARGET
from klaviyo_sandbox import API_KEY, create_app

ADDRESSES = [f"someone.number.{number}@shop-{number % 7}.example.org" for number in range(2_000)]


def any_of(field: str, values: list[str]) -> list[dict[str, object]]:
    return [{"field": field, "operator": "any", "value": values}]


def told(engine, action: str, **arguments: object) -> tuple[str, str, int]:
    """The argument that is named, what is said of it, and the number that fits."""
    with pytest.raises(InvalidArguments) as error:
        engine.plan(Call(action, arguments))
    (problem,) = error.value.problems
    found = re.search(r"the first ([\d,]+) fit", problem.problem)
    assert found
    return problem.argument, str(problem), int(found[1].replace(",", ""))


@pytest.mark.parametrize("beside", [{}, {"sort": "-created", "profile_fields": ["email", "first_name"]}])
def test_a_filter_over_too_many_values_says_how_many_fit(engine, beside) -> None:
    name, words, fits = told(engine, "get_profiles", filter=any_of("email", ADDRESSES), **beside)
    assert name == "filter"
    assert words.startswith("filter: has 2,000 values for email")
    assert f"Send at most {fits} at a time" in words
    plan = engine.plan(Call("get_profiles", {"filter": any_of("email", ADDRESSES[:fits]), **beside}))
    assert len(plan.request.target) < LONGEST_TARGET
    assert told(engine, "get_profiles", filter=any_of("email", ADDRESSES[: fits + 1]), **beside)[2] == fits


def test_the_condition_that_is_too_long_is_told_among_others(engine) -> None:
    conditions = [{"field": "created", "operator": "greater-than", "value": "2026-01-01"}, *any_of("email", ADDRESSES)]
    assert "2,000 values for email" in told(engine, "get_profiles", filter=conditions)[1]


def test_filter_text_is_told_in_the_same_way(engine) -> None:
    text = f"any(email,[{','.join(map(repr, ADDRESSES))}])"
    fits = told(engine, "get_profiles", filter=text)[2]
    assert fits == told(engine, "get_profiles", filter=any_of("email", ADDRESSES))[2]


def test_an_argument_that_stands_in_a_filter_is_told_by_its_own_name(engine) -> None:
    name, words, fits = told(engine, "get_coupon_codes", coupon_id=[f"COUPON-{number}" for number in range(3_000)])
    assert name == "coupon_id"
    assert 100 < fits < 1_000
    assert "3,000 values" in words


def test_a_text_that_is_too_long_is_told_by_its_length(engine) -> None:
    name, words, fits = told(
        engine, "get_profiles", filter=[{"field": "email", "operator": "equals", "value": "é" * 9_000}]
    )
    assert name == "filter"
    assert "characters" in words
    assert fits < LONGEST_TARGET


def test_a_long_body_is_no_long_address(engine) -> None:
    assert engine.plan(
        Call("create_template", {"name": "x", "editor_type": "CODE", "html": "<p>" + "x" * 50_000})
    ).request


def test_very_many_values_are_told_soon_enough(engine) -> None:
    assert 0 < told(engine, "get_profiles", filter=any_of("id", ["01HZX" + "A" * 21] * 3_000))[2] < 300


async def test_a_composite_takes_as_many_requests_as_long_addresses_need(engine) -> None:
    emails = [f"{'a' * 50}.{number}@{'b' * 30}.example.org" for number in range(100)]
    async with Endpoint(pool=HttpPool(httpx2.ASGITransport(create_app(rate_limits=False)))) as endpoint:
        account = open_account("test", endpoint, api_key=API_KEY)
        made = await engine.run(Call("create_list", {"name": "Long"}), account)
        call = Call("add_profile_to_list", {"list_id": made.records[0]["id"], "emails": emails})
        outcome = await engine.run(call, account)
    assert sorted(outcome.composed["not_found"]) == sorted(emails)
