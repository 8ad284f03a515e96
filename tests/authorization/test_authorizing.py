"""A request for authorization, from the client's first step to its tokens, and what must not get through on the way."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from tests.authorization.driving import ISSUER, RESOURCE, App, Person, answer_of, error_of

from klaviyo_mcp.authorization.levels import LEVELS, up_to
from klaviyo_mcp.authorization.replies import ConsentPage, ErrorPage, Redirect


async def test_a_client_ends_with_tokens_for_the_account_that_consented(service, app) -> None:
    tokens = await app.tokens(level="klaviyo:marketing")
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3600
    assert tokens["scope"] == "klaviyo:read klaviyo:marketing"
    access = await service.server.verify(tokens["access_token"])
    assert access is not None
    assert (access.account_id, access.client_id, access.level) == ("DEMO01", app.client_id, "klaviyo:marketing")
    assert access.resource == RESOURCE
    connection = await service.vault.read(access.grant_id)
    assert connection is not None
    assert connection.company.account_id == "DEMO01"
    assert connection.grant is not None
    assert "catalogs:write" not in connection.grant.scopes


async def test_the_answer_carries_code_state_and_issuer(service, app) -> None:
    person = Person(service)
    page = await person.sees(await service.server.authorize(app.query()))
    assert (page.client_name, page.client_domain, page.redirect_host) == ("Juniper", None, "127.0.0.1:7777")
    assert page.only_loopback
    answer = answer_of(await person.returns(person.at_klaviyo(await person.answers(page))))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("the state", ISSUER)
    assert person.cookies.keys() == {name for name in person.cookies if name.startswith("__Host-kmc_")}


@pytest.mark.parametrize(
    "client_id", ["", "nobody", "client_" + "0" * 32, "http://example.com/x", "../client"], ids=lambda one: f"A1 {one}"
)
async def test_an_unknown_client_gets_a_page_and_no_redirect(service, app, client_id) -> None:
    shown = await service.server.authorize(app.query(client_id=client_id))
    assert isinstance(shown, ErrorPage)
    assert shown.status == 400


OTHER_ADDRESSES = [
    "https://app.example.com/other", "https://app.example.com/cb/", "https://app.example.com/CB",
    "https://APP.example.com/cb", "https://app.example.com./cb", "https://app.example.com:8443/cb",
    "http://app.example.com/cb", "https://user@app.example.com/cb", "https://app.example.com/cb#x",
    "https://app.example.com/x/../cb", "https://app.example.com/x/%2e%2e/cb", "https://app.example.com\\@evil.com/cb",
    "https://app.example.com/cb?x=1", "https://evil.com/cb", "javascript:alert(1)", "//app.example.com/cb",
    " https://app.example.com/cb", "https://app.example.com/cb\n", "https://app.example.com.evil.com/cb",
]  # fmt: skip


@pytest.mark.parametrize("uri", OTHER_ADDRESSES, ids=lambda uri: f"A2 {uri!r}")
async def test_an_address_that_is_not_registered_gets_a_page(service, uri) -> None:
    registered = await service.register(redirect_uris=["https://app.example.com/cb"])
    client = App(service, registered["client_id"], redirect_uri="https://app.example.com/cb")
    assert isinstance(await service.server.authorize(client.query()), Redirect)
    shown = await service.server.authorize(client.query(redirect_uri=uri))
    assert isinstance(shown, ErrorPage)
    assert shown.reason == "bad_redirect_uri"


async def test_another_port_on_loopback_is_the_same_address(service, app) -> None:
    app.redirect_uri = "http://127.0.0.1:50123/callback"
    assert await app.tokens()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request_uri": "https://evil.com"}, "request_not_supported"),
        ({"resource": "https://evil.com/mcp"}, "invalid_target"),
        ({"resource": ISSUER}, "invalid_target"),
        ({"resource": f"{RESOURCE}/../x"}, "invalid_target"),
    ],
    ids=lambda one: f"A7 A13 {one}",
)
async def test_what_is_wrong_is_told_to_the_client_with_state_and_issuer(service, app, changes, error) -> None:
    answer = answer_of(await service.server.authorize(app.query(**changes)))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "the state", ISSUER)


async def test_a_doubled_parameter_is_refused(service, app) -> None:
    answer = answer_of(await service.server.authorize([*app.query(), ("code_challenge", "x" * 43)]))
    assert answer["error"] == "invalid_request"
    answer = answer_of(await service.server.authorize([*app.query(), ("state", "another")]))
    assert "state" not in answer
    assert isinstance(await service.server.authorize([*app.query(), ("redirect_uri", "https://evil.com")]), ErrorPage)


@pytest.mark.parametrize(
    ("scope", "level"),
    [
        (None, "klaviyo:read"),
        ("claudeai", "klaviyo:read"),
        ("offline_access openid klaviyo:marketing", "klaviyo:marketing"),
        ("klaviyo:read klaviyo:full", "klaviyo:full"),
    ],
)
async def test_the_page_suggests_what_the_client_asks_for_and_unknown_scopes_say_nothing(
    service, app, scope, level
) -> None:
    page = await Person(service).sees(await service.server.authorize(app.query(scope=scope)))
    assert [choice.level for choice in page.choices if choice.suggested] == [level]
    counts = [choice.actions for choice in page.choices]
    assert counts == sorted(counts)
    assert counts[0] > 100


async def test_a21_a_form_without_the_cookie_of_its_page_is_refused(service, app, fresh) -> None:
    person, attacker = Person(service), Person(service)
    page = await person.sees(await service.server.authorize(app.query()))
    theirs = await attacker.sees(await service.server.authorize(app.query()))
    for cookies, shown in (({}, page), (attacker.cookies, page), (person.cookies, theirs)):
        refused = await Person(service, dict(cookies)).answers(shown)
        assert (refused.status, refused.reason) == (403, "other_browser")
    form = [("t", page.transaction), ("csrf", theirs.csrf), ("level", "klaviyo:full"), ("decision", "allow")]
    refused = await service.server.consent_given(form, {**person.cookies, **attacker.cookies})
    assert refused.status == 403
    assert isinstance(await person.answers(page), Redirect), "the right one still can"


async def test_every_rendering_stays_good_and_a_second_click_goes_on(service, app) -> None:
    person = Person(service)
    redirect = await service.server.authorize(app.query())
    first = await person.sees(redirect)
    second = await person.sees(redirect)
    once = await person.answers(first)
    again = await person.answers(second)
    assert isinstance(once, Redirect)
    assert isinstance(again, Redirect)
    stale = person.at_klaviyo(once)
    assert (await person.returns(stale)).reason == "over", "the state before is void"
    assert "code" in answer_of(await person.returns(person.at_klaviyo(again)))


async def test_a22_an_answer_of_klaviyo_in_another_browser_is_refused_and_nothing_is_exchanged(
    service, app, fresh
) -> None:
    person = Person(service)
    query = person.at_klaviyo(await person.answers(await person.sees(await service.server.authorize(app.query()))))
    fresh.fail()
    refused = await Person(service).returns(query)
    assert (refused.status, refused.reason) == (403, "other_browser")
    assert fresh.seen("oauth_token") == 0
    assert "code" in answer_of(await person.returns(query))


async def test_a23_a_state_is_good_once_and_for_ten_minutes(service, app) -> None:
    person = Person(service)
    redirect = await person.answers(await person.sees(await service.server.authorize(app.query())))
    query = person.at_klaviyo(redirect)
    state = dict(query)["state"]
    cookies = dict(person.cookies)
    assert (await person.returns([("code", "x"), ("state", "unknown")])).status == 400
    assert (await person.returns([*query, ("state", state)])).status == 400
    assert (await person.returns([("code", "x")])).status == 400
    assert "code" in answer_of(await person.returns(query))
    person.cookies = cookies
    assert (await person.returns(query)).status == 400, "replayed"
    late = await person.answers(await person.sees(await service.server.authorize(app.query())))
    query = person.at_klaviyo(late)
    service.clock.pass_(601)
    assert (await person.returns(query)).status == 400, "expired"


async def test_a24_who_refuses_at_klaviyo_is_told_to_the_client(service, app) -> None:
    person = Person(service)
    redirect = await person.answers(await person.sees(await service.server.authorize(app.query())))
    state = dict(parse_qsl(urlsplit(redirect.location).query))["state"]
    answer = answer_of(await person.returns([("error", "access_denied"), ("state", state)]))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the state", ISSUER)


async def test_who_refuses_on_our_page_is_told_to_the_client_and_nothing_goes_to_klaviyo(service, app, fresh) -> None:
    fresh.fail()
    person = Person(service)
    page = await person.sees(await service.server.authorize(app.query()))
    answer = answer_of(await person.answers(page, decision="deny"))
    assert (answer["error"], answer["iss"]) == ("access_denied", ISSUER)
    assert (await person.answers(page)).reason == "over"
    assert fresh.seen("*") == 0


async def test_a26_consent_is_asked_for_every_time(service, app, fresh) -> None:
    person = Person(service)
    await app.code(person)
    fresh.fail()
    page = await person.sees(await service.server.authorize(app.query()))
    assert isinstance(page, ConsentPage)
    other = App(service, (await service.register(client_name="Other"))["client_id"])
    assert isinstance(await person.sees(await service.server.authorize(other.query())), ConsentPage)
    assert fresh.seen("*") == 0


async def test_c10_the_issuer_is_there_once_even_if_the_address_brings_one(service) -> None:
    uri = "https://app.example.com/cb?iss=https%3A%2F%2Fevil.com&keep=a%20b&empty="
    client = App(service, (await service.register(redirect_uris=[uri]))["client_id"], redirect_uri=uri)
    redirect = await service.server.authorize(client.query(response_type="x"))
    assert redirect.location.startswith("https://app.example.com/cb?keep=a%20b&empty=&error=")
    assert answer_of(redirect)["iss"] == ISSUER
    assert redirect.location.count("iss=") == 1


async def test_fewer_scopes_from_klaviyo_shrink_the_level(service, app) -> None:
    person = Person(service)
    redirect = await person.answers(await person.sees(await service.server.authorize(app.query())))
    read = " ".join(service.server.choices()[0].scopes)
    answer = answer_of(await person.returns(person.at_klaviyo(redirect, scopes=read)))
    reply = await app.exchange(answer["code"])
    assert reply.body["scope"] == "klaviyo:read"


@pytest.mark.parametrize("level", LEVELS)
async def test_scopes_that_klaviyo_does_not_grant_take_no_others_away(service, app, level) -> None:
    """As for a role without some of them, or an app that was not given those of a later version."""
    person = Person(service)
    redirect = await person.answers(await person.sees(await service.server.authorize(app.query())), level=level)
    asked = parse_qs(urlsplit(redirect.location).query)["scope"][0].split()
    some = " ".join(scope for scope in asked if scope not in ("lists:read", "tags:write"))
    answer = answer_of(await person.returns(person.at_klaviyo(redirect, scopes=some)))
    assert (await app.exchange(answer["code"])).body["scope"].split() == list(up_to(level))


async def test_an_app_at_klaviyo_that_lacks_scopes_is_the_operators_to_mend(service, app) -> None:
    person = Person(service)
    redirect = await person.answers(await person.sees(await service.server.authorize(app.query())))
    answer = answer_of(await person.returns(person.at_klaviyo(redirect, scopes="lists:read nobody:knows")))
    assert answer["error"] == "server_error"
    assert "app at Klaviyo lacks scopes" in answer["error_description"]
    assert await service.vault.names() == []


async def test_what_an_operator_leaves_out_is_not_asked_for(service) -> None:
    without = service.another(scopes_left_out=frozenset({"webhooks:read"}))
    client = App(without, (await without.register())["client_id"])
    person = Person(without)
    redirect = await person.answers(await person.sees(await without.server.authorize(client.query())))
    asked = parse_qs(urlsplit(redirect.location).query)["scope"][0].split()
    assert ("webhooks:read" in asked, "webhooks:write" in asked) == (False, True)


async def test_klaviyo_out_of_order_is_told_and_leaves_nothing(service, app, fresh) -> None:
    person = Person(service)
    page = await person.sees(await service.server.authorize(app.query()))
    query = person.at_klaviyo(await person.answers(page))
    fresh.fail({"operation": "oauth_token", "fault": "status", "status": 503})
    answer = answer_of(await person.returns(query))
    assert answer["error"] == "temporarily_unavailable"
    assert (await person.answers(page)).reason == "over", "a request is answered once"
    assert await service.vault.names() == []


async def test_at_most_ten_cookies_of_a_kind_stay(service, app) -> None:
    person = Person(service)
    for _ in range(14):
        service.clock.pass_(1)
        page = await person.sees(await service.server.authorize(app.query()))
    assert len(person.cookies) == 10
    assert isinstance(await person.answers(page), Redirect)


async def test_on_this_machine_cookies_have_plain_names_that_https_never_looks_at(service, vault, fresh) -> None:
    plain = service.another(issuer="http://127.0.0.1:8000")
    page = await plain.server.consent_shown(
        (
            await plain.server.authorize(App(plain, (await plain.register())["client_id"]).query(resource=None))
        ).location.partition("t=")[2],
        {},
    )
    assert not page.cookies[0].secure
    assert page.cookies[0].name.startswith("kmc_")
    strong = await Person(service).sees(
        await service.server.authorize(App(service, (await service.register())["client_id"]).query())
    )
    weak = {cookie.name.removeprefix("__Host-"): cookie.value for cookie in strong.cookies}
    assert (await Person(service, weak).answers(strong)).status == 403


async def test_a_client_that_is_gone_meanwhile_gets_no_answer(service, app) -> None:
    person = Person(service)
    page = await person.sees(await service.server.authorize(app.query()))
    service.clock.pass_(599)
    redirect = await person.answers(page)
    assert isinstance(redirect, Redirect)
    service.clock.pass_(90_000)
    assert (await person.returns(person.at_klaviyo(redirect))).status == 400


@pytest.mark.parametrize(
    "grant_type", ["password", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
)
async def test_other_grants_are_not_supported(app, grant_type) -> None:
    assert error_of(await app.post({"grant_type": grant_type})) == "unsupported_grant_type"
