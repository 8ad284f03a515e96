"""Codes and tokens: what they are good for, how often, for how long, and what a theft leads to."""

import pytest
from tests.authorization.driving import RESOURCE, App, Person, error_of


@pytest.fixture
async def other(service) -> App:
    return App(service, (await service.register(client_name="Another"))["client_id"])


async def test_a8_a_wrong_verifier_uses_nothing_up(app) -> None:
    code = await app.code()
    assert error_of(await app.exchange(code, code_verifier="x" * 64)) == "invalid_grant"
    assert error_of(await app.exchange(code, code_verifier="short")) == "invalid_grant"
    assert error_of(await app.exchange(code, code_verifier=None)) == "invalid_request"
    assert (await app.exchange(code)).status == 200


async def test_a9_a_code_that_comes_twice_ends_what_the_first_led_to(service, app) -> None:
    code = await app.code()
    tokens = (await app.exchange(code)).body
    assert await service.server.verify(tokens["access_token"])
    assert error_of(await app.exchange(code)) == "invalid_grant"
    assert await service.server.verify(tokens["access_token"]) is None
    assert error_of(await app.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert await service.vault.names() == []


async def test_a10_a_code_lives_a_minute(service, app) -> None:
    code = await app.code()
    service.clock.pass_(61)
    assert error_of(await app.exchange(code)) == "invalid_grant"


async def test_a11_a_code_of_another_client_is_refused_and_stays_good(app, other) -> None:
    code = await app.code()
    assert error_of(await other.exchange(code, code_verifier=app.verifier)) == "invalid_grant"
    tokens = await app.exchange(code)
    assert tokens.status == 200
    assert error_of(await other.exchange(code, code_verifier=app.verifier)) == "invalid_grant"
    assert (await app.refresh(tokens.body["refresh_token"])).status == 200, "a foreign replay has no effect"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:7777/other", "http://127.0.0.1:7778/callback", None])
async def test_a12_the_code_is_bound_to_the_address_as_it_was_sent(app, uri) -> None:
    code = await app.code()
    assert error_of(await app.exchange(code, redirect_uri=uri)) == "invalid_grant"
    assert (await app.exchange(code)).status == 200


async def test_a13_a_foreign_resource_uses_nothing_up(app) -> None:
    code = await app.code()
    assert error_of(await app.exchange(code, resource="https://evil.com/mcp")) == "invalid_target"
    tokens = (await app.exchange(code, resource=RESOURCE)).body
    assert error_of(await app.refresh(tokens["refresh_token"], resource="https://evil.com/mcp")) == "invalid_target"
    assert (await app.refresh(tokens["refresh_token"], resource=f"{RESOURCE}/")).status == 200


async def test_a14_a_refresh_may_ask_for_less_and_not_for_more(app) -> None:
    tokens = await app.tokens(level="klaviyo:marketing")
    assert error_of(await app.refresh(tokens["refresh_token"], scope="klaviyo:full")) == "invalid_scope"
    less = (await app.refresh(tokens["refresh_token"], scope="klaviyo:read offline_access")).body
    assert less["scope"] == "klaviyo:read"
    again = (await app.refresh(less["refresh_token"])).body
    assert again["scope"] == "klaviyo:read klaviyo:marketing", "the grant is as wide as it was"


async def test_a15_an_old_refresh_token_after_a_minute_ends_the_grant(service, app) -> None:
    first = await app.tokens()
    second = (await app.refresh(first["refresh_token"])).body
    elsewhere = service.another()
    assert await elsewhere.server.verify(second["access_token"])
    service.clock.pass_(61)
    assert await elsewhere.server.verify(second["access_token"])
    assert error_of(await app.refresh(first["refresh_token"])) == "invalid_grant"
    assert await service.server.verify(second["access_token"]) is None
    service.clock.pass_(5)
    assert await elsewhere.server.verify(second["access_token"]) is None, "within five seconds everywhere"
    assert error_of(await app.refresh(second["refresh_token"])) == "invalid_grant"


async def test_a_refresh_token_that_was_replaced_a_week_ago_is_unknown_and_ends_nothing(service, app) -> None:
    first = await app.tokens()
    second = (await app.refresh(first["refresh_token"])).body
    service.clock.pass_(7 * 86_400 + 1)
    assert error_of(await app.refresh(first["refresh_token"])) == "invalid_grant"
    assert (await app.refresh(second["refresh_token"])).status == 200


async def test_an_old_refresh_token_within_a_minute_is_answered_with_the_same_pair(service, app) -> None:
    first = await app.tokens()
    second = (await app.refresh(first["refresh_token"])).body
    service.clock.pass_(30)
    again = (await app.refresh(first["refresh_token"])).body
    assert {**again, "expires_in": 0} == {**second, "expires_in": 0}
    assert again["expires_in"] == second["expires_in"] - 30
    third = (await app.refresh(second["refresh_token"])).body
    assert (await app.refresh(first["refresh_token"])).body["refresh_token"] == second["refresh_token"]
    assert (await app.refresh(second["refresh_token"])).body["refresh_token"] == third["refresh_token"]


async def test_a17_a_refresh_token_of_another_client_is_refused_and_stays_good(service, app, other) -> None:
    tokens = await app.tokens()
    assert error_of(await other.refresh(tokens["refresh_token"])) == "invalid_grant"
    rotated = (await app.refresh(tokens["refresh_token"])).body
    service.clock.pass_(100)
    assert error_of(await other.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert (await app.refresh(rotated["refresh_token"])).status == 200, "a foreign one ends nothing"


async def test_a18_a_foreign_client_revokes_nothing(service, app, other) -> None:
    tokens = await app.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"], "kmr_nonsense", "x" * 10_000):
        assert (await other.post({"token": token}, service.server.revoke)).status == 200
    assert await service.server.verify(tokens["access_token"])
    assert (await app.refresh(tokens["refresh_token"])).status == 200


async def test_an_access_token_revokes_itself_and_a_refresh_token_its_grant(service, app) -> None:
    tokens = await app.tokens()
    await service.server.verify(tokens["access_token"])
    reply = await app.post({"token": tokens["access_token"], "token_type_hint": "access_token"}, service.server.revoke)
    assert (reply.status, reply.body) == (200, None)
    assert await service.server.verify(tokens["access_token"]) is None
    fresh = (await app.refresh(tokens["refresh_token"])).body
    await app.post({"token": fresh["refresh_token"]}, service.server.revoke)
    assert await service.server.verify(fresh["access_token"]) is None
    assert await service.vault.names() == []


async def test_a_client_that_revokes_does_not_remove_the_app_from_klaviyo(service, app, fresh) -> None:
    tokens = await app.tokens()
    fresh.fail()
    await app.post({"token": tokens["refresh_token"]}, service.server.revoke)
    assert fresh.seen("oauth_revoke") == 0


async def test_lives(service, app) -> None:
    tokens = await app.tokens()
    service.clock.pass_(3_601)
    assert await service.server.verify(tokens["access_token"]) is None
    for _ in range(3):
        service.clock.pass_(29 * 86_400)
        tokens = (await app.refresh(tokens["refresh_token"])).body
    service.clock.pass_(31 * 86_400)
    assert error_of(await app.refresh(tokens["refresh_token"])) == "invalid_grant"


async def test_a_client_that_takes_no_refresh_tokens_gets_none(service) -> None:
    only = await service.register(grant_types=["authorization_code"])
    app = App(service, only["client_id"])
    assert "refresh_token" not in await app.tokens()


async def test_a_new_grant_leaves_the_others_of_its_client_alone(service, app) -> None:
    first, second = await app.tokens(), await app.tokens()
    for tokens in (first, second):
        assert (await app.refresh(tokens["refresh_token"])).status == 200


async def test_a_token_is_for_the_account_that_consented(service, app) -> None:
    companies = {}
    for company in ("DEMO01", "OTHER1"):
        tokens = await app.tokens(person=Person(service), company=company)
        companies[company] = (await service.server.verify(tokens["access_token"])).account_id
    assert companies == {"DEMO01": "DEMO01", "OTHER1": "OTHER1"}


async def test_answers_with_tokens_are_not_kept_by_anybody(app) -> None:
    reply = await app.exchange(await app.code())
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Pragma"] == "no-cache"
    twice = await app.service.server.token([("grant_type", "x"), ("grant_type", "x")], {})
    assert error_of(twice) == "invalid_request"
