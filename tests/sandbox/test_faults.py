"""Requests that go wrong on purpose."""

import base64
import hashlib
import json
import socket
import time
import zlib
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from klaviyo_sandbox import API_KEY, CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS, InvalidFaults, create_app
from klaviyo_sandbox.testing import serve

A_LIST = {"data": {"type": "list", "attributes": {"name": "Any"}}}
LISTS = {"operation": "get_lists"}
HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}


def inject(sandbox, *faults):
    answer = sandbox.post("/_sandbox/faults", list(faults))
    assert answer.status_code == 200, answer.text
    return answer.json()


def statuses(sandbox, count, path="/api/lists"):
    return [sandbox.get(path).status_code for _ in range(count)]


def test_a_fault_strikes_the_operations_its_pattern_names(sandbox):
    inject(sandbox, {"operation": "get_list*", "fault": "status", "status": 503})
    error = sandbox.problem(sandbox.get("/api/lists"), 503)
    assert error["code"] == "service_unavailable"
    assert sandbox.get("/api/metrics").status_code == 200
    assert sandbox.post("/api/lists", A_LIST).status_code == 201


def test_without_a_pattern_it_strikes_everything_but_the_sandboxs_own_endpoints(sandbox):
    inject(sandbox, {"fault": "status"})
    assert sandbox.problem(sandbox.get("/api/metrics"), 500)["title"] == "A server error occurred."
    assert sandbox.get("/oauth/authorize", key=None).status_code == 500
    assert sandbox.get("/_sandbox/requests").status_code == 200


def test_a_fault_strikes_as_often_as_it_is_said_to(sandbox):
    inject(sandbox, {**LISTS, "fault": "status", "status": 504, "count": 2})
    assert statuses(sandbox, 4) == [504, 504, 200, 200]
    (listed,) = sandbox.get("/_sandbox/faults").json()
    assert (listed["struck"], listed["count"]) == (2, 2)


def test_a_probability_strikes_some_and_the_same_seed_the_same(make_sandbox):
    fault = {**LISTS, "fault": "status", "probability": 0.5}
    runs = []
    for seed in (3, 3, 4):
        sandbox = make_sandbox(seed=seed)
        inject(sandbox, fault)
        runs.append(statuses(sandbox, 20))
    assert runs[0] == runs[1] != runs[2]
    assert 3 < runs[0].count(500) < 17


def test_a_throttled_answer_says_when_to_come_back(sandbox):
    inject(sandbox, {**LISTS, "fault": "status", "status": 429, "retry_after": 7})
    answer = sandbox.get("/api/lists")
    assert sandbox.problem(answer, 429)["code"] == "throttled"
    assert answer.headers["Retry-After"] == "7"
    inject(sandbox, {**LISTS, "fault": "status", "status": 503, "retry_after": 9})
    assert sandbox.get("/api/lists").headers["Retry-After"] == "9"


def test_a_proxy_may_answer_with_a_page(sandbox):
    inject(sandbox, {**LISTS, "fault": "html"})
    answer = sandbox.get("/api/lists")
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_an_error_may_come_before_or_after_the_work(sandbox, after, made):
    inject(sandbox, {"operation": "create_list", "fault": "status", "status": 504, "after": after})
    assert sandbox.post("/api/lists", A_LIST).status_code == 504
    assert len(sandbox.data('/api/lists?filter=any(name,["Any"])')) == made


@pytest.mark.parametrize(("fault", "made"), [("reset_before", 0), ("reset_after", 1)])
def test_a_connection_may_break_before_or_after_the_work(sandbox, fault, made):
    inject(sandbox, {"operation": "create_list", "fault": fault, "count": 1})
    with pytest.raises(httpx2.ReadError):
        sandbox.post("/api/lists", A_LIST)
    assert len(sandbox.data('/api/lists?filter=any(name,["Any"])')) == made
    assert sandbox.get("/_sandbox/requests").json()[0]["status"] == 0


def test_a_body_may_be_cut_in_half(sandbox):
    whole = sandbox.get("/api/lists").content
    inject(sandbox, {**LISTS, "fault": "truncate"})
    answer = sandbox.get("/api/lists")
    assert answer.status_code == 200
    assert answer.content == whole[: len(whole) // 2]
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("fault", ["latency", "slow"])
def test_an_answer_may_take_its_time(sandbox, fault):
    whole = sandbox.get("/api/lists").content
    inject(sandbox, {**LISTS, "fault": fault, "seconds": 0.2})
    started = time.perf_counter()
    assert sandbox.get("/api/lists").content == whole
    assert time.perf_counter() - started >= 0.2


def test_an_access_token_may_expire_early(make_sandbox):
    sandbox = make_sandbox(auto_approve=True)
    access_token, refresh_token = _tokens(sandbox)
    inject(sandbox, {**LISTS, "fault": "expire_token", "count": 1})
    bearer = {"key": None, "Authorization": f"Bearer {access_token}"}
    assert [sandbox.get("/api/lists", **bearer).status_code for _ in range(2)] == [401, 401]
    renewed = _post_form(sandbox, {"grant_type": "refresh_token", "refresh_token": refresh_token})["access_token"]
    assert sandbox.get("/api/lists", key=None, Authorization=f"Bearer {renewed}").status_code == 200


def test_the_servers_clock_may_be_wrong(sandbox):
    assert sandbox.get("/api/lists").headers["Date"] == "Mon, 16 Nov 2026 12:00:00 GMT"
    inject(sandbox, {"operation": "create_list", "fault": "clock_skew", "seconds": -18000})
    answer = sandbox.post("/api/lists", A_LIST)
    assert answer.headers["Date"] == "Mon, 16 Nov 2026 07:00:00 GMT"
    assert answer.json()["data"]["attributes"]["created"] == "2026-11-16T07:00:00.000000+00:00"


def test_oauths_endpoints_can_fail_too(sandbox):
    inject(sandbox, {"operation": "oauth_token", "fault": "html"})
    answer = sandbox.post("/oauth/token", b"", key=None, Content_Type="application/x-www-form-urlencoded")
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")


def test_several_faults_may_strike_at_once(sandbox):
    inject(sandbox, {**LISTS, "fault": "latency", "seconds": 0.1}, {**LISTS, "fault": "status", "status": 503})
    started = time.perf_counter()
    assert sandbox.get("/api/lists").status_code == 503
    assert time.perf_counter() - started >= 0.1
    assert sandbox.get("/_sandbox/requests").json()[-1]["faults"] == ["latency", "status"]


def test_faults_can_be_read_replaced_and_taken_away(sandbox):
    listed = inject(sandbox, {**LISTS, "fault": "status"})
    assert listed == sandbox.get("/_sandbox/faults").json()
    assert inject(sandbox, *listed) == listed
    assert inject(sandbox, {"operation": "get_tags", "fault": "html"})[0]["operation"] == "get_tags"
    assert sandbox.get("/api/lists").status_code == 200
    assert sandbox.delete("/_sandbox/faults").json() == []
    assert sandbox.get("/api/tags").status_code == 200


def test_faults_can_come_from_a_yaml_file(make_sandbox, tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("# flaky lists\n- operation: get_lists\n  fault: status\n  status: 503\n  count: 1\n")
    assert statuses(make_sandbox(faults=path), 2) == [503, 200]


@pytest.mark.parametrize(
    ("faults", "complaint"),
    [
        ("{}", "list"),
        ("[1]", "/0/fault"),
        ("[{}]", "/0/fault"),
        ('[{"fault": "explode"}]', "Choose one of"),
        ('[{"fault": "status", "status": 418}]', "/0/status"),
        ('[{"fault": "latency"}]', "/0/seconds"),
        ('[{"fault": "latency", "seconds": -1}]', "/0/seconds"),
        ('[{"fault": "reset_before", "seconds": 1}]', "/0/seconds"),
        ('[{"fault": "html", "probability": 2}]', "/0/probability"),
        ('[{"fault": "html", "count": -1}]', "/0/count"),
        ("{[", "neither YAML nor JSON"),
    ],
)
def test_faults_that_make_no_sense_are_refused(sandbox, tmp_path, faults, complaint):
    answer = sandbox.post("/_sandbox/faults", faults.encode())
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    path = tmp_path / "faults.json"
    path.write_text(faults)
    with pytest.raises(InvalidFaults):
        create_app(faults=path)


# Over real HTTP


@pytest.fixture
def served():
    """A function that puts faults in force at a sandbox behind uvicorn, and gives its address."""
    with serve(create_app(profiles=20, rate_limits=False)) as url:

        def strike(*faults):
            assert httpx2.post(f"{url}/_sandbox/faults", json=list(faults)).status_code == 200
            return url

        yield strike


HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}


@pytest.mark.parametrize(("fault", "made"), [("reset_before", 0), ("reset_after", 1)])
def test_over_http_a_broken_connection_really_breaks(served, caplog, fault, made):
    url = served({"operation": "create_list", "fault": fault, "count": 1})
    with httpx2.Client(base_url=url, headers=HEADERS) as client:
        with pytest.raises(httpx2.ReadError):
            client.post("/api/lists", json=A_LIST)
        found = client.get("/api/lists", params={"filter": 'any(name,["Any"])'}).json()["data"]
        assert len(found) == made
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_over_http_not_a_byte_of_an_answer_arrives(served):
    url = served({"operation": "get_lists", "fault": "reset_before"})
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /api/lists HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_over_http_a_slow_body_arrives_in_pieces(served):
    url = served({"operation": "get_lists", "fault": "slow", "seconds": 0.3})
    with httpx2.stream("GET", f"{url}/api/lists", headers=HEADERS) as answer:
        pieces = [time.perf_counter() for _ in answer.iter_raw()]
    assert len(pieces) > 3
    assert pieces[-1] - pieces[0] > 0.15


def _tokens(sandbox):
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URIS[0],
        "scope": "lists:read",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    location = sandbox.get(f"/oauth/authorize?{urlencode(asked)}", key=None).headers["Location"]
    (code,) = parse_qs(urlsplit(location).query)["code"]
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": REDIRECT_URIS[0],
    }
    issued = _post_form(sandbox, fields)
    return issued["access_token"], issued["refresh_token"]


def _post_form(sandbox, fields):
    credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    answer = sandbox.post(
        "/oauth/token",
        urlencode(fields).encode(),
        key=None,
        Authorization=f"Basic {credentials}",
        Content_Type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def online():
    with serve(create_app(rate_limits=False)) as url, httpx2.Client(base_url=url, headers=HEADERS) as client:
        yield client


def raw(client, fault):
    client.post("/_sandbox/faults", json=[{**LISTS, **fault}]).raise_for_status()
    with client.stream("GET", "/api/lists") as answer:
        return answer, b"".join(answer.iter_raw())


def test_a_proxys_page_can_have_the_status_of_a_success_and_send_elsewhere(online):
    portal, page = raw(online, {"fault": "html", "status": 200})
    assert (portal.status_code, portal.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<h1>200</h1>" in page
    elsewhere, _ = raw(online, {"fault": "html", "status": 303})
    assert elsewhere.headers["Location"].startswith("https://")


def test_what_arrives_can_be_empty_deep_or_much_more_than_it_seems(online):
    assert raw(online, {"fault": "empty"})[1] == b""
    assert raw(online, {"fault": "deep"})[1].count(b"[") == 100_000
    bomb, packed = raw(online, {"fault": "bomb"})
    assert bomb.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 1_000_000
    unpacking = zlib.decompressobj(wbits=31)
    assert len(unpacking.decompress(packed, 2_000_000)) == 2_000_000


def test_text_can_hold_what_no_terminal_and_no_encoder_expects(online):
    _, body = raw(online, {"fault": "characters"})
    names = [record["attributes"]["name"] for record in json.loads(body)["data"]]
    assert all("\ud800" in name and "\u202e" in name and "\x1b" in name for name in names)


def test_headers_can_tell_nonsense(online):
    answer, body = raw(online, {"fault": "headers"})
    assert answer.status_code == 200
    assert json.loads(body)["data"]
    assert answer.headers["RateLimit-Reset"] == "nan"
    assert answer.headers["Retry-After"] == "\u00b2"


def test_an_answer_can_drip(online):
    online.post("/_sandbox/faults", json=[{**LISTS, "fault": "drip", "seconds": 0.05}]).raise_for_status()
    began = time.monotonic()
    with online.stream("GET", "/api/lists") as answer:
        pieces = answer.iter_raw()
        assert len(next(pieces) + next(pieces) + next(pieces)) < 30
    assert 0.1 < time.monotonic() - began < 5
