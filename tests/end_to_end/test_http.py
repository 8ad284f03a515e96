"""The server over HTTP as browsers, proxies and curl meet it: who gets in, and what a refusal says."""

import base64
import json
import socket

import httpx2
import pytest
from mcp.client import Client

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
TOKEN = "long-random-word"
ORIGIN = "https://app.example.org"


def rpc(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


HELLO = rpc("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "t", "version": "0"})


@pytest.fixture(scope="module")
def plain(environment, http_server):
    """A server with no settings of its own."""
    with http_server(environment) as url:
        yield url


@pytest.fixture(scope="module")
def guarded(environment, http_server):
    """A server with a token, a host and an origin."""
    more = {
        "KLAVIYO_MCP_HTTP_TOKEN": TOKEN,
        "KLAVIYO_MCP_ALLOWED_HOSTS": "Shop.Example.ORG",
        "KLAVIYO_MCP_ALLOWED_ORIGINS": ORIGIN,
    }
    with http_server({**environment, **more}) as url:
        yield url


def post(url: str, message: object = HELLO, path: str = "/mcp", **headers: str) -> httpx2.Response:
    return httpx2.post(f"{url}{path}", json=message, headers={**ACCEPT, **headers})


def said(response: httpx2.Response) -> str:
    """The words of a refusal, which has to be a JSON-RPC error."""
    answer = response.json()
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] is None
    return answer["error"]["message"]


def test_a_page_of_an_allowed_origin_asks_before_it_calls_and_needs_no_token_for_that(guarded) -> None:
    asks = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version,mcp-param-x",
    }
    answer = httpx2.options(f"{guarded}/mcp", headers=asks)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "mcp-param-x" in answer.headers["Access-Control-Allow-Headers"]
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {TOKEN}"}])
def test_a_page_can_read_the_answer_and_the_refusal(guarded, headers) -> None:
    answer = post(guarded, Origin=ORIGIN, **headers)
    assert answer.status_code == (200 if headers else 401)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in answer.headers["Vary"]
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"WWW-Authenticate", "MCP-Protocol-Version", "Mcp-Session-Id", "Retry-After"} <= set(exposed)


@pytest.mark.parametrize(
    "origin", ["https://evil.example.org", "http://localhost:1.evil.com", "null", f"{ORIGIN}.evil.com"]
)
def test_a_page_of_another_origin_gets_nothing_and_the_setting_is_named(guarded, origin) -> None:
    asked = httpx2.options(f"{guarded}/mcp", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    called = post(guarded, Origin=origin, Authorization=f"Bearer {TOKEN}")
    for answer in (asked, called):
        assert answer.status_code == 403
        assert "KLAVIYO_MCP_ALLOWED_ORIGINS" in said(answer)
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["http://localhost:6274", "http://127.0.0.1", "https://LOCALHOST:3000", "http://[::1]:1"]
)
def test_pages_of_this_machine_may_call(plain, origin) -> None:
    assert post(plain, Origin=origin).status_code == 200


@pytest.mark.parametrize(
    "header", [f"bearer {TOKEN}", f"BEARER {TOKEN}", f"Bearer   {TOKEN}", f"Bearer \t{TOKEN}", f"Bearer {TOKEN}"]
)
def test_the_name_of_the_scheme_has_no_case_and_blanks_do_not_count(guarded, header) -> None:
    assert post(guarded, Authorization=header).status_code == 200


@pytest.mark.parametrize(
    "header", ["", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN} {TOKEN}"]
)
def test_without_the_token_nothing_is_answered_and_its_setting_is_named(guarded, header) -> None:
    answer = post(guarded, Authorization=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "KLAVIYO_MCP_HTTP_TOKEN" in said(answer)
    assert TOKEN not in answer.text


@pytest.mark.parametrize("host", ["shop.example.org", "SHOP.example.org:8443", "LOCALHOST:7220", "localhost"])
def test_hosts_have_no_case(guarded, host) -> None:
    assert post(guarded, Host=host, Authorization=f"Bearer {TOKEN}").status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost:evil.com", "127.0.0.1:7271@evil.com", "evil.com", "shop.example.org.evil.com"]
)
def test_another_host_is_refused_and_the_setting_is_named(guarded, host) -> None:
    answer = post(guarded, Host=host, Authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 421
    assert "KLAVIYO_MCP_ALLOWED_HOSTS" in said(answer)


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "[::1]", "0.0.0.0"])
def test_the_address_it_listens_on_is_printed_as_a_url_that_works(environment, http_server, host) -> None:
    if "::1" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with http_server({**environment, "KLAVIYO_MCP_HTTP_TOKEN": TOKEN}, "--host", host) as url:
        assert url.startswith(f"http://[{host.strip('[]')}]:" if ":" in host else f"http://{host}:")
        assert post(url, Authorization=f"Bearer {TOKEN}").status_code == 200


def test_every_address_of_a_server_that_listens_on_all_is_its_own(environment, http_server) -> None:
    with http_server({**environment, "KLAVIYO_MCP_HTTP_TOKEN": TOKEN}, "--host", "0.0.0.0") as url:
        assert post(url.replace("0.0.0.0", "127.0.0.3"), Authorization=f"Bearer {TOKEN}").status_code == 200
        assert post(url, Host="127.0.0.4", Authorization=f"Bearer {TOKEN}").status_code == 421


def test_a_path_with_a_slash_is_no_redirect(plain) -> None:
    assert post(plain, path="/mcp/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/register",
        "/sse",
    ],
)
def test_where_there_is_nothing_it_is_said_also_when_a_token_is_set(guarded, path) -> None:
    answer = httpx2.get(f"{guarded}{path}", headers={"Origin": ORIGIN})
    assert answer.status_code == 404
    assert "no OAuth" in said(answer)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_is_no_stream_and_no_session(plain, method) -> None:
    answer = httpx2.request(method, f"{plain}/mcp", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "POST" in said(answer)


def test_another_media_type_is_named(plain) -> None:
    answer = httpx2.post(f"{plain}/mcp", content=json.dumps(HELLO), headers={**ACCEPT, "Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert "application/json" in said(answer)
    charset = {**ACCEPT, "Content-Type": "application/json; charset=utf-8"}
    assert httpx2.post(f"{plain}/mcp", content=json.dumps(HELLO), headers=charset).status_code == 200


def test_who_takes_no_json_is_told(plain) -> None:
    answer = post(plain, Accept="text/html")
    assert answer.status_code == 406
    assert "application/json" in answer.json()["error"]["message"]


async def test_an_image_of_five_megabytes_goes_in(plain) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(4_990_000)
    async with Client(f"{plain}/mcp") as client:
        arguments = {"file": base64.b64encode(picture).decode(), "name": "large"}
        result = await client.call_tool("upload_image_from_file", arguments)
        assert not result.is_error, result.content


@pytest.mark.parametrize("declared", [True, False])
def test_what_is_larger_is_refused_by_the_name_of_the_setting(environment, http_server, declared) -> None:
    with http_server({**environment, "KLAVIYO_MCP_MAX_BODY": "65536"}) as url:
        body = json.dumps(rpc("tools/call", name="x", arguments={"x": "x" * 70_000})).encode()
        content = body if declared else iter([body[:40_000], body[40_000:]])
        answer = httpx2.post(f"{url}/mcp", content=content, headers=ACCEPT)
        assert answer.status_code == 413
        assert "KLAVIYO_MCP_MAX_BODY" in said(answer)
        assert "nothing was done" in said(answer)


@pytest.mark.parametrize(
    ("body", "code", "given", "why"),
    [
        (b"", -32700, None, "no body"),
        (b"{}", -32600, None, '"jsonrpc": "2.0"'),
        (b"[]", -32600, None, "batches"),
        (b'{"jsonrpc":"2.0","id":5,"method":"x","params":{"a":"\\ud83d"}}', -32602, 5, "params.a holds half"),
        (b'{"jsonrpc":"2.0","id":5,"method":"caf\xe9"}', -32700, 5, "not UTF-8"),
        (b'{"jsonrpc":"2.0","id":5,"params":' + b"[" * 250_000, -32700, 5, "nested too deep"),
    ],
)
def test_a_body_that_is_no_message_is_answered_in_our_words_with_its_id(plain, body, code, given, why) -> None:
    answer = httpx2.post(f"{plain}/mcp", content=body, headers=ACCEPT)
    assert answer.status_code == 400
    found = answer.json()
    assert (found["id"], found["error"]["code"]) == (given, code)
    assert why in found["error"]["message"]


def test_large_answers_are_compressed_for_those_who_can_read_it(plain) -> None:
    packed = post(plain, rpc("tools/list"), **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) * 4 < len(packed.content)
    whole = post(plain, rpc("tools/list"), **{"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in whole.headers
    assert whole.json() == packed.json()
    assert "Content-Encoding" not in post(plain, **{"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(("version", "code"), [("2025-11-25", -32002), ("2025-06-18", -32002), ("2026-07-28", -32602)])
@pytest.mark.parametrize(
    "uri", ["klaviyo://nothing", "klaviyo://actions/nope/schema", "klaviyo://actions/get_lists/schema/x"]
)
def test_a_resource_that_is_not_there_has_the_code_of_its_era_and_its_uri(plain, version, code, uri) -> None:
    message = rpc("resources/read", uri=uri)
    headers = {"MCP-Protocol-Version": version}
    if version == "2026-07-28":
        prefix = "io.modelcontextprotocol/"
        message["params"]["_meta"] = {f"{prefix}protocolVersion": version, f"{prefix}clientCapabilities": {}}
        headers |= {"Mcp-Method": "resources/read", "Mcp-Name": uri}
    error = post(plain, message, **headers).json()["error"]
    assert error["code"] == code
    assert error["data"] == {"uri": uri}


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
