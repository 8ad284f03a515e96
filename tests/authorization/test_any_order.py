"""Whatever is presented in whatever order, at whatever time: tokens do what they promise. A model says what that is."""

from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.authorization.driving import Clock
from tests.authorization.in_memory import CLIENT, PAIR, InMemory, Parts

from klaviyo_mcp.accounts.records import Company
from klaviyo_mcp.authorization.errors import OAuthProblem
from klaviyo_mcp.authorization.grants import Holder

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refresh"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 29.0, 59.0, 61.0, 3_500.0, 86_400.0 * 29])),
        st.tuples(st.just("verify"), st.integers(0, 5)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STEPS)
def test_one_pair_is_in_force_the_one_before_is_replayed_and_an_older_one_ends_the_grant(steps) -> None:
    async def run() -> None:
        parts = Parts()
        _, first = await parts.connect()
        # Each pair, when its refresh token was exchanged for the next one, and when its access token ends.
        pairs = [first]
        rotated: dict[int, float] = {}
        ends = [parts.clock.now + 3600]
        used, over = parts.clock.now, False
        for what, value in steps:
            now = parts.clock.now
            over = over or now >= used + 30 * 86_400
            if what == "wait":
                parts.clock.pass_(value)
                continue
            index = max(0, len(pairs) - 1 - int(value))
            if what == "verify":
                # What was verified is believed for five seconds, so that only what is surely over is looked at.
                access = await parts.tokens.verify(pairs[index]["access_token"])
                assert (access is not None) == (not over and now < ends[index])
                continue
            answer = await parts.refresh(pairs[index]["refresh_token"])
            replaced = index in rotated and now >= rotated[index] + 7 * 86_400
            if over or replaced or now >= ends[index] - 3600 + 30 * 86_400:
                # One whose own life is over is unknown, and its presentation ends nothing.
                assert answer is None
            elif index == len(pairs) - 1:
                assert answer is not None
                pairs.append(answer)
                rotated[index] = used = now
                ends.append(now + 3600)
            elif now < rotated[index] + 60:
                assert answer is not None
                assert answer["refresh_token"] == pairs[index + 1]["refresh_token"]
                assert answer["access_token"] == pairs[index + 1]["access_token"]
            else:
                assert answer is None
                over = True

    anyio.run(run)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 2), min_size=2, max_size=12), st.integers(1, 6))
def test_parallel_callers_anywhere_get_one_pair(instances, rounds) -> None:
    async def run() -> None:
        store, clock = InMemory(), Clock()
        servers = [Parts(store, clock) for _ in range(3)]
        _, pair = await servers[0].connect()
        for _ in range(rounds):
            answers: list[Any] = []

            async def call(server: Parts, token: str, answers: list[Any]) -> None:
                answers.append(await server.refresh(token))

            async with anyio.create_task_group() as group:
                for number in instances:
                    group.start_soon(call, servers[number], pair["refresh_token"], answers)
            assert None not in answers
            assert len({answer["refresh_token"] for answer in answers}) == 1
            pair = answers[0]

    anyio.run(run)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 49), st.sampled_from(["verify", "refresh", "end"])), max_size=60))
def test_a33_fifty_grants_interleaved_never_show_anothers_account(calls) -> None:
    async def run() -> None:
        parts = Parts()
        tenants = [await parts.connect(f"ACC{number % 25:03}") for number in range(50)]
        gone: set[int] = set()
        for number, what in calls:
            grant_id, pair = tenants[number]
            if what == "end":
                await parts.tokens.end(grant_id)
                gone.add(number)
            elif what == "refresh":
                answer = await parts.refresh(pair["refresh_token"])
                assert (answer is None) == (number in gone)
                tenants[number] = (grant_id, answer or pair)
            access = await parts.tokens.verify(tenants[number][1]["access_token"])
            assert (access is None) == (number in gone)
            if access is not None:
                assert (access.grant_id, access.account_id) == (grant_id, f"ACC{number % 25:03}")
        for number, (grant_id, _) in enumerate(tenants):
            assert (await parts.grants.get(grant_id) is None) == (number in gone)

    anyio.run(run)


@pytest.mark.parametrize("life", [900.0])
async def test_a_grant_whose_tokens_nobody_fetched_runs_out(life) -> None:
    parts = Parts()
    grant = await parts.grants.begin(PAIR, Company("ABC123"), None, Holder("client", "A"), "klaviyo:read", life)
    parts.clock.pass_(life)
    with pytest.raises(OAuthProblem):
        await parts.tokens.first(grant.grant_id, CLIENT)
