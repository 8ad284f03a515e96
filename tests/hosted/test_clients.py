"""The SDK's own client connects in both eras: by registration, by document, with a secret; refreshes and steps up."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio import sleep
from mcp.shared.auth import OAuthClientInformationFull
from mcp.shared.exceptions import MCPError
from tests.authorization.driving import Documents
from tests.hosted.driving import REDIRECT, latest, logged, register
from tests.hosted.in_process import Running, running
from tests.hosted.sdk import ERAS, Person, Storage, Wire, account, connected

DOCUMENT = "https://client.example.org/oauth/client.json"
SECRET = "a-secret-of-the-operators-client"
LIFE = 2.0
KNOWN = (
    f'[{{"client_id": "known", "client_name": "Known", "client_secret": "{SECRET}", "redirect_uris": ["{REDIRECT}"]}}]'
)


@pytest.fixture(scope="module")
def documents() -> Documents:
    published = Documents()
    published.publish(
        DOCUMENT,
        {
            "client_id": DOCUMENT,
            "client_name": "SDK",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        },
    )
    return published


@pytest.fixture(scope="module")
def service(klaviyo: Any, tmp_path_factory: Any, registry: Any, documents: Documents) -> Iterator[Running]:
    klaviyo.begin()
    home: Path = tmp_path_factory.mktemp("clients")
    with running(klaviyo, home, registry, access_life=LIFE, documents=documents, klaviyo_mcp_clients=KNOWN) as started:
        yield started


@pytest.fixture
def url(klaviyo: Any, service: Running) -> str:
    klaviyo.begin()
    return service.url


@pytest.mark.parametrize("era", ERAS)
async def test_c7_a_client_registers_consents_and_lists_tools(url: str, era: str) -> None:
    person, wire, storage = Person(url), Wire(), Storage()
    async with connected(url, era, person, storage=storage, wire=wire) as connection:
        names = [tool.name for tool in (await connection.list_tools()).tools]
        assert "run_read_action" in names
        assert await account(connection) == "DEMO01"
    assert wire.count("/register", 201) == 1
    assert wire.count("/mcp", 401) == 1, "the first request alone had no token"
    (asked,) = person.asked
    assert (asked["scope"].split()[0], asked["resource"]) == ("klaviyo:read", f"{url}/mcp")
    assert storage.tokens is not None
    assert storage.tokens.scope == "klaviyo:read"


@pytest.mark.parametrize("era", ERAS)
async def test_c6_a_client_with_a_document_needs_no_registration(url: str, era: str, documents: Documents) -> None:
    wire, storage = Wire(), Storage()
    async with connected(url, era, Person(url), storage=storage, wire=wire, document=DOCUMENT) as connection:
        assert await account(connection) == "DEMO01"
    assert wire.count("/register") == 0
    assert storage.client is not None
    assert storage.client.client_id == DOCUMENT
    assert len(documents.asked) == 1, "what was fetched is kept"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_c8_a_client_that_the_operator_has_registered_proves_itself_by_its_secret(
    url: str, era: str, method: Any
) -> None:
    known = OAuthClientInformationFull(
        client_id="known", client_secret=SECRET, redirect_uris=[REDIRECT], token_endpoint_auth_method=method
    )  # pyright: ignore[reportCallIssue, reportArgumentType]
    wire = Wire()
    async with connected(url, era, Person(url, company="OTHER1"), storage=Storage(known), wire=wire) as connection:
        assert await account(connection) == "OTHER1"
    assert wire.count("/register") == 0
    assert wire.count("/token", 200) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_c9_a_client_refreshes_when_its_token_is_over_and_again_with_the_new_one(url: str, era: str) -> None:
    person, wire, storage = Person(url), Wire(), Storage()
    async with connected(url, era, person, storage=storage, wire=wire) as connection:
        seen = set()
        for _ in range(2):
            assert await account(connection) == "DEMO01"
            assert storage.tokens is not None
            seen.add((storage.tokens.access_token, storage.tokens.refresh_token))
            await sleep(LIFE + 0.1)
        assert await account(connection) == "DEMO01"
    assert len(seen) == 2, "each refresh gives new ones of both"
    assert len(person.asked) == 1, "nobody was asked again"


async def test_c9_a_client_that_starts_anew_goes_on_with_what_it_kept(url: str) -> None:
    person, storage = Person(url), Storage()
    async with connected(url, "legacy", person, storage=storage):
        pass
    await sleep(LIFE + 0.1)
    async with connected(url, "2026-07-28", person, storage=storage) as connection:
        assert await account(connection) == "DEMO01"
    # The SDK does not keep when its token ends, so a 401 leads it through consent again.
    assert len(person.asked) <= 2


@pytest.mark.parametrize("era", ERAS)
async def test_c14_a_client_steps_up_and_repeats_its_call(url: str, era: str, klaviyo: Any) -> None:
    person, wire, storage = Person(url), Wire(), Storage()
    async with connected(url, era, person, storage=storage, wire=wire) as connection:
        assert await account(connection) == "DEMO01"
        person.level = "klaviyo:marketing"
        before = latest(klaviyo)
        name = f"Step-up {era} {time.time()}"
        result = await connection.call_tool("run_write_action", {"action": "create_list", "arguments": {"name": name}})
        assert not result.is_error, result.content
    assert wire.count("/mcp", 403) == 1
    assert set(person.asked[1]["scope"].split()) >= {"klaviyo:read", "klaviyo:marketing"}
    assert storage.tokens is not None
    assert storage.tokens.scope == "klaviyo:read klaviyo:marketing"
    writes = [entry["status"] for entry in logged(klaviyo, before) if entry["operation"] == "create_list"]
    assert writes == [201], "once"


async def test_a_person_who_stays_at_the_lower_level_is_told(url: str) -> None:
    person, wire = Person(url), Wire()
    async with connected(url, "legacy", person, wire=wire) as connection:
        with pytest.raises(MCPError, match="needs more access than this connection has"):
            await connection.call_tool("run_write_action", {"action": "create_list", "arguments": {"name": "never"}})
    assert len(person.asked) == 2
    assert wire.count("/mcp", 403) == 2


def test_the_document_is_told_apart_from_what_registers_itself(url: str) -> None:
    assert register(url)["client_id"] != register(url)["client_id"]
