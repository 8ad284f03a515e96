"""The manage page, and what becomes of grants when Klaviyo's end is gone."""

from dataclasses import replace

import pytest
from tests.authorization.driving import ISSUER, App, Person, error_of

from klaviyo_mcp.accounts.oauth import klaviyo_app
from klaviyo_mcp.accounts.records import Secret
from klaviyo_mcp.authorization.replies import ErrorPage, Redirect


async def signed_in(service, company: str = "DEMO01", level: str = "klaviyo:full"):
    person = Person(service)
    redirect = person.takes(await service.server.connect(level, person.cookies))
    back = await person.returns(person.at_klaviyo(redirect, company))
    assert back.location == f"{ISSUER}/manage"
    session = await service.server.session(person.cookies)
    assert session is not None
    return person, session


async def test_the_page_connects_and_shows_the_clients_of_its_account(service, app) -> None:
    _, session = await signed_in(service)
    assert (session.account_id, session.company_name, session.level) == ("DEMO01", "Juniper & Pine", "klaviyo:full")
    assert await service.server.connected_clients(session) == []
    await app.code()
    assert await service.server.connected_clients(session) == [], "it has not fetched its tokens"
    await app.tokens(level="klaviyo:read")
    await app.tokens(company="OTHER1")
    [client] = await service.server.connected_clients(session)
    assert (client.client_name, client.level, client.reconnect) == ("Juniper", "klaviyo:read", None)
    assert client.last_used == service.clock.now
    _, other = await signed_in(service, "OTHER1")
    assert len(await service.server.connected_clients(other)) == 1


async def test_a_session_lasts_eight_hours_in_one_browser(service) -> None:
    person, session = await signed_in(service)
    assert person.cookies.keys() == {"__Host-kms"}
    assert await service.server.session({}) is None
    assert await service.server.session({"__Host-kms": "1.x.y"}) is None
    assert await service.server.session({"kms": person.cookies["__Host-kms"]}) is None
    service.clock.pass_(8 * 3600 - 1)
    assert await service.server.session(person.cookies) == session
    service.clock.pass_(1)
    assert await service.server.session(person.cookies) is None


async def test_forms_of_another_session_are_not_taken(service) -> None:
    _, one = await signed_in(service)
    _, two = await signed_in(service)
    assert service.server.csrf_holds(one, one.csrf)
    assert not service.server.csrf_holds(one, two.csrf)
    assert not service.server.csrf_holds(one, "")
    rotated = service.another(secrets=("n" * 32, service.config.secrets[0]))
    assert rotated.server.csrf_holds(one, one.csrf)


async def test_signing_out(service) -> None:
    person, _ = await signed_in(service)
    kept = dict(person.cookies)
    person.takes(await service.server.sign_out(person.cookies))
    assert person.cookies == {}
    assert await service.server.session(kept) is None


async def test_one_of_two_is_disconnected_without_telling_klaviyo(service, app, fresh) -> None:
    _, session = await signed_in(service)
    first, second = await app.tokens(), await app.tokens()
    clients = await service.server.connected_clients(session)
    access = await service.server.verify(first["access_token"])
    fresh.fail()
    removal = await service.server.disconnect(session, access.grant_id)
    assert (removal.grants, removal.removed_at_klaviyo) == (1, None)
    assert fresh.seen("oauth_revoke") == 0
    assert await service.server.verify(first["access_token"]) is None
    assert await service.server.verify(second["access_token"])
    assert error_of(await app.refresh(first["refresh_token"])) == "invalid_grant"
    assert len(clients) - len(await service.server.connected_clients(session)) == 1


async def test_the_last_one_takes_the_app_at_klaviyo_with_it(service, app, fresh) -> None:
    _, session = await signed_in(service)
    tokens = await app.tokens()
    access = await service.server.verify(tokens["access_token"])
    fresh.fail()
    removal = await service.server.disconnect(session, access.grant_id)
    assert (removal.grants, removal.removed_at_klaviyo) == (1, True)
    assert fresh.seen("oauth_revoke") == 2, "the client's pair and the page's"
    assert await service.vault.names() == []


async def test_a_grant_of_another_account_cannot_be_disconnected(service, app) -> None:
    _, session = await signed_in(service)
    tokens = await app.tokens(company="OTHER1")
    access = await service.server.verify(tokens["access_token"])
    assert await service.server.disconnect(session, access.grant_id) is None
    assert await service.server.disconnect(session, "0" * 32) is None
    await service.server.remove(session)
    assert await service.server.verify(tokens["access_token"])


async def test_all_is_removed_even_if_klaviyo_cannot_be_told(service, app, fresh) -> None:
    _, session = await signed_in(service)
    tokens = await app.tokens()
    fresh.fail({"operation": "oauth_revoke", "fault": "status", "status": 503})
    removal = await service.server.remove(session)
    assert (removal.grants, removal.removed_at_klaviyo) == (1, False)
    assert await service.server.verify(tokens["access_token"]) is None
    assert await service.vault.names() == []


async def test_the_page_keeps_one_pair_however_often_it_connects(service) -> None:
    for _ in range(3):
        await signed_in(service)
    assert len(await service.vault.names()) == 1


async def test_a_wrong_level_and_a_refusal_at_klaviyo_are_told_on_a_page(service) -> None:
    assert isinstance(await service.server.connect("everything"), ErrorPage)
    person = Person(service)
    redirect = person.takes(await service.server.connect("klaviyo:read"))
    state = redirect.location.partition("state=")[2].partition("&")[0]
    shown = await person.returns([("error", "access_denied"), ("state", state)])
    assert isinstance(shown, ErrorPage)
    assert person.cookies == {}


async def test_a_page_transaction_is_no_clients(service) -> None:
    redirect = await service.server.connect("klaviyo:read")
    assert isinstance(redirect, Redirect)
    assert isinstance(await service.server.consent_shown("", {}), ErrorPage)


async def uninstall(service, grant_id: str) -> None:
    """Klaviyo does not accept this pair any more."""
    connection = await service.vault.read(grant_id)
    app = klaviyo_app(service.klaviyo.client_id, Secret(service.klaviyo.client_secret), base_url=service.klaviyo.url)
    await app.revoke(connection.grant.refresh_token)


async def test_a37_what_klaviyo_refuses_is_refused_here_and_says_why(service, app) -> None:
    tokens = await app.tokens()
    access = await service.server.verify(tokens["access_token"])
    elsewhere = service.another()
    assert await elsewhere.server.verify(tokens["access_token"])
    assert not await service.server.lost(access.grant_id, "the app was removed at Klaviyo")
    assert await service.server.verify(tokens["access_token"]) is None
    service.clock.pass_(5)
    assert await elsewhere.server.verify(tokens["access_token"]) is None
    reply = await app.refresh(tokens["refresh_token"])
    assert error_of(reply) == "invalid_grant"
    assert "removed at Klaviyo" in reply.body["error_description"]
    _, session = await signed_in(service)
    [client] = await service.server.connected_clients(session)
    assert client.reconnect == "the app was removed at Klaviyo"
    await app.tokens()
    [client] = await service.server.connected_clients(session)
    assert client.reconnect is None, "the dead one of the same client is gone"


async def test_a_refusal_that_the_vault_knows_of_ends_refreshing_too(service, app) -> None:
    tokens = await app.tokens()
    access = await service.server.verify(tokens["access_token"])
    connection = await service.vault.read(access.grant_id)
    async with service.vault.lock(access.grant_id):
        await service.vault.write(connection.with_grant(reconnect="Klaviyo said so"))
    assert error_of(await app.refresh(tokens["refresh_token"])) == "invalid_grant"


async def test_another_pair_of_the_company_stands_in_for_one_that_a_second_consent_has_voided(service, app) -> None:
    first, second = await app.tokens(), await app.tokens()
    access = await service.server.verify(first["access_token"])
    newer = await service.server.verify(second["access_token"])
    assert await service.server.lost(access.grant_id, "refused")
    assert await service.server.lost(access.grant_id, "refused"), "a call that failed at the same time"
    mended, theirs = await service.vault.read(access.grant_id), await service.vault.read(newer.grant_id)
    assert mended.grant.refresh_token == theirs.grant.refresh_token
    assert mended.name == access.grant_id
    service.clock.pass_(31)
    assert not await service.server.lost(access.grant_id, "refused"), "there is no third one"


@pytest.mark.parametrize(("level", "company"), [("klaviyo:read", "DEMO01"), ("klaviyo:full", "OTHER1")])
async def test_no_pair_with_fewer_scopes_or_of_another_company_stands_in(service, app, level, company) -> None:
    tokens = await app.tokens()
    await app.tokens(level=level, company=company)
    access = await service.server.verify(tokens["access_token"])
    assert not await service.server.lost(access.grant_id, "refused")


async def test_what_has_run_out_is_swept(service, app) -> None:
    await app.tokens()
    await app.code()
    service.clock.pass_(3 * 3600)
    assert await service.server.sweep() == 1, "the one whose code nobody came for"
    service.clock.pass_(31 * 86_400)
    assert await service.server.sweep() == 1
    assert await service.vault.names() == []
    assert await service.server.sweep() == 0


async def test_after_a_sweep_an_old_secret_can_go_and_nobody_is_logged_out(service, app) -> None:
    tokens = await app.tokens()
    between = service.another(secrets=("n" * 32, service.config.secrets[0]))
    after = service.another(secrets=("n" * 32,))
    assert (await App(after, app.client_id).refresh(tokens["refresh_token"])).status == 503, "too early"
    await between.server.sweep()
    assert (await App(after, app.client_id).refresh(tokens["refresh_token"])).status == 200
    _, session = await signed_in(after)
    assert len(await after.server.connected_clients(session)) == 1
    service.clock.pass_(31 * 86_400)
    assert (await App(after, app.client_id).refresh(tokens["refresh_token"])).status == 400, "lives are what they were"


async def test_a_damaged_pair_keeps_nobody_from_removing_all(service, app, tmp_path) -> None:
    _, session = await signed_in(service)
    tokens = await app.tokens()
    access = await service.server.verify(tokens["access_token"])
    (tmp_path / f"home/vault/accounts/{access.grant_id}.json").write_text("{}")
    reply = await app.refresh(tokens["refresh_token"])
    assert reply.status == 503, "another instance may have the key that opens it"
    [client] = await service.server.connected_clients(session)
    assert client.reconnect
    removal = await service.server.remove(session)
    assert (removal.grants, removal.removed_at_klaviyo) == (1, True)
    assert await service.vault.names() == []


async def test_other_connections_in_the_vault_are_left_alone(service, app, vault) -> None:
    tokens = await app.tokens()
    access = await service.server.verify(tokens["access_token"])
    connection = await vault.read(access.grant_id)
    await vault.write(replace(connection, name="juniper-pine", connected_at=0.0))
    service.clock.pass_(40 * 86_400)
    await service.server.sweep()
    assert await vault.names() == ["juniper-pine"]


async def test_an_uninstalled_app_is_given_back_without_complaint(service, app) -> None:
    _, session = await signed_in(service)
    tokens = await app.tokens()
    access = await service.server.verify(tokens["access_token"])
    await uninstall(service, access.grant_id)
    removal = await service.server.remove(session)
    assert removal.removed_at_klaviyo


async def test_documents_and_challenges(service, app) -> None:
    metadata = service.server.authorization_server_metadata()
    assert metadata["issuer"] == ISSUER
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert "none" in metadata["token_endpoint_auth_methods_supported"]
    assert metadata["client_id_metadata_document_supported"]
    assert metadata["authorization_response_iss_parameter_supported"]
    resource = service.server.protected_resource_metadata()
    assert (resource["resource"], resource["authorization_servers"]) == (f"{ISSUER}/mcp", [ISSUER])
    assert "offline_access" not in resource["scopes_supported"]
    where = f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/mcp"'
    assert service.server.challenge() == f'Bearer scope="klaviyo:read", {where}'
    assert service.server.challenge(invalid_token=True).startswith('Bearer error="invalid_token"')
    access = await service.server.verify((await app.tokens(level="klaviyo:read"))["access_token"])
    assert service.server.step_up(access, "get_lists") is None
    assert service.server.step_up(access, "no_such_action") is None
    challenge = service.server.step_up(access, "create_list")
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="klaviyo:read klaviyo:marketing"' in challenge


@pytest.mark.parametrize(
    "issuer", ["https://a.example/", "https://a.example/x", "http://a.example", "a.example", "https://A.example",
               "https://u@a.example", "ftp://a.example", "https://a.example?x"],
)  # fmt: skip
async def test_an_issuer_that_cannot_be(service, issuer) -> None:
    with pytest.raises(ValueError, match="issuer"):
        service.another(issuer=issuer)


async def test_in_an_app_that_is_installed_by_user_grants_are_those_of_the_user(service, vault) -> None:
    by_user = service.another(app_scope="user")
    app = App(by_user, (await by_user.register())["client_id"])
    first, second = await app.tokens(), await app.tokens()
    access = await by_user.server.verify(first["access_token"])
    assert access.account_id == "DEMO01"
    _, session = await signed_in(by_user)
    assert len(await by_user.server.connected_clients(session)) == 2, "the sandbox's tokens name no user"
    assert second
