"""Three instances that have only Redis in common, behind a proxy that gives each request to the next of them."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import httpx2
import pytest
import redis
from tests.conftest import RedisServer, running_redis
from tests.hosted.driving import App, Browser, client, connected_for_seconds, latest, logged, new_app
from tests.hosted.processes import Cluster, cluster
from tests.hosted.sdk import ERAS, Person, Storage, Wire, account, connected


@pytest.fixture(scope="module")
def three(klaviyo: Any, tmp_path_factory: Any) -> Iterator[Cluster]:
    klaviyo.begin()
    with (
        running_redis(tmp_path_factory.mktemp("redis")) as store,
        cluster(klaviyo, store, tmp_path_factory.mktemp("homes")) as started,
    ):
        yield started


@pytest.fixture
def url(klaviyo: Any, three: Cluster) -> str:
    klaviyo.begin()
    return three.url


@pytest.fixture
def app(url: str) -> App:
    return new_app(url).connected()


@pytest.mark.parametrize("era", ERAS)
async def test_c20_a_connection_is_made_with_every_request_at_another_instance(
    url: str, three: Cluster, era: str
) -> None:
    person, wire, storage = Person(url), Wire(), Storage()
    before = len(three.proxy.served)
    async with connected(url, era, person, storage=storage, wire=wire) as connection:
        assert await account(connection) == "DEMO01"
        person.level = "klaviyo:marketing"
        made = await connection.call_tool("run_write_action", {"action": "create_list", "arguments": {"name": era}})
        assert not made.is_error, made.content
    served = three.proxy.served[before:]
    assert len(set(served)) == 3
    assert all(one != other for one, other in pairwise(served))


def test_a16_twenty_refreshes_at_once_over_http_get_one_pair(app: App, klaviyo: Any) -> None:
    klaviyo.fail()
    with ThreadPoolExecutor(20) as pool:
        answers = [one.result() for one in [pool.submit(app.refresh) for _ in range(20)]]
    assert {answer.status_code for answer in answers} == {200}
    assert len({(answer.json()["access_token"], answer.json()["refresh_token"]) for answer in answers}) == 1
    assert klaviyo.seen("oauth_token") == 0
    app.tokens = answers[0].json()
    assert app.company() == "DEMO01"


def test_a18_what_is_revoked_at_one_instance_is_refused_at_all_within_five_seconds(app: App, three: Cluster) -> None:
    for instance in three.instances:
        assert app.company(at=instance.url) == "DEMO01"
    assert app.post("/revoke", {"token": app.tokens["refresh_token"]}).status_code == 200
    time.sleep(5.1)
    for instance in three.instances:
        assert app.mcp("tools/list", at=instance.url).status_code == 401


def test_a_confirmation_made_at_one_instance_holds_at_another_and_once(app: App, three: Cluster) -> None:
    first, second, third = (instance.url for instance in three.instances)
    made = app.call("run_write_action", at=first, action="create_list", arguments={"name": "to be deleted"})
    asked = app.ask("run_destructive_action", at=second, action="delete_list", arguments={"id": made["record"]["id"]})
    token = token_of(asked)
    done = app.ask(
        "confirm_action", at=third, token=token, action="delete_list", arguments={"id": made["record"]["id"]}
    )
    assert "error" not in done, done
    again = app.ask(
        "confirm_action", at=first, token=token, action="delete_list", arguments={"id": made["record"]["id"]}
    )
    assert "error" in again


def test_a_token_of_klaviyo_is_refreshed_once_for_all_instances(url: str, three: Cluster, klaviyo: Any) -> None:
    app = connected_for_seconds(new_app(url), klaviyo)
    klaviyo.fail()
    with ThreadPoolExecutor(9) as pool:
        found = list(pool.map(lambda number: app.company(at=three.instances[number % 3].url), range(9)))
    assert set(found) == {"DEMO01"}
    assert klaviyo.seen("oauth_token") == 1


def test_without_a_place_that_they_share_instances_take_no_jobs_and_no_files(app: App, three: Cluster) -> None:
    assert "KLAVIYO_MCP_JOBS_URL" in "".join(three.instances[0].said)
    assert Browser(three.url).http.get("/uploads").status_code == 404
    refused = app.ask("get_jobs")["error"]
    assert "its operator has not set KLAVIYO_MCP_JOBS_URL" in refused["message"]
    started = {"action": "start_job", "arguments": {"kind": "profiles", "rows": [{"email": "anna@example.com"}]}}
    assert app.ask("run_write_action", **started)["error"]["message"] == refused["message"]


class TestDeaths:
    """A40: kill -9 of an instance in the middle of what it does. It is started again after each."""

    @pytest.fixture(autouse=True)
    def revived(self, three: Cluster) -> Iterator[None]:
        yield
        for number, instance in enumerate(three.instances):
            if not instance.alive:
                three.replace(number)

    def test_a40_in_a_write_it_is_carried_out_once_at_most(self, app: App, three: Cluster, klaviyo: Any) -> None:
        acknowledged = app.call("run_write_action", action="create_list", arguments={"name": "before"})["record"]["id"]
        before = latest(klaviyo)
        klaviyo.fail({"operation": "create_list", "fault": "slow", "seconds": 3, "count": 1})
        victim = three.instances[0]
        arguments = {"action": "create_list", "arguments": {"name": "killed"}}
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(
                app.mcp, "tools/call", {"name": "run_write_action", "arguments": arguments}, at=victim.url
            )
            until(lambda: klaviyo.seen("*") > 0)
            victim.kill()
            with pytest.raises(httpx2.TransportError):
                call.result(20)
        found = app.call("get_lists", filter=[{"field": "name", "operator": "equals", "value": "killed"}])
        assert found["count"] <= 1
        writes = [entry for entry in logged(klaviyo, before) if entry["operation"] == "create_list"]
        assert len(writes) <= 1, "nobody repeats it by itself"
        assert app.call("get_list", id=acknowledged)["record"]["name"] == "before"

    def test_a40_in_connecting_this_attempt_alone_is_lost(
        self, app: App, url: str, three: Cluster, klaviyo: Any
    ) -> None:
        person, another = Browser(url), App(url, app.client_id)
        back = person.at_klaviyo(person.consent(person.authorize(another.query())).headers["Location"])
        klaviyo.fail({"operation": "oauth_token", "fault": "latency", "seconds": 3, "count": 1})
        victim = three.instances[1]
        with ThreadPoolExecutor(1) as pool:
            coming_back = pool.submit(person.http.get, back.replace(url, victim.url))
            until(lambda: klaviyo.seen("*") > 0)
            victim.kill()
            with pytest.raises(httpx2.TransportError):
                coming_back.result(20)
        again = person.http.get(back)
        assert again.status_code in (303, 400), "over, and said so, or carried out"
        assert another.connected(browser=person).company() == "DEMO01", "another click is enough"
        assert app.company() == "DEMO01"
        assert app.refresh().status_code == 200, "and whoever was connected still is"

    def test_a40_in_refreshing_no_grant_is_lost(self, url: str, app: App, three: Cluster) -> None:
        """Each refreshes over and over with what it was last given, as a client does whose answer did not come."""
        apps = [app, *(App(url, app.client_id).connected() for _ in range(3))]
        ending = threading.Event()
        refused: list[str] = []
        done = dict.fromkeys(range(len(apps)), 0)

        def goes_on(number: int) -> None:
            while not ending.is_set():
                try:
                    answer = apps[number].refresh()
                except httpx2.TransportError:
                    continue
                if answer.status_code == 200:
                    apps[number].tokens = answer.json()
                    done[number] += 1
                elif answer.status_code == 429:
                    time.sleep(0.5)
                elif answer.status_code not in (502, 503):
                    refused.append(answer.text)
                    return

        with ThreadPoolExecutor(len(apps)) as pool:
            running = [pool.submit(goes_on, number) for number in range(len(apps))]
            until(lambda: min(done.values()) > 1)
            three.instances[2].kill()
            at_death = dict(done)
            until(lambda: all(done[number] > at_death[number] + 1 for number in done), 60)
            ending.set()
            for one in running:
                one.result(60)
        assert refused == []
        assert {one.company() for one in apps} == {"DEMO01"}

    def test_a40_in_a_refresh_at_klaviyo_the_connection_goes_on(self, url: str, three: Cluster, klaviyo: Any) -> None:
        app = connected_for_seconds(new_app(url), klaviyo)
        klaviyo.fail({"operation": "oauth_token", "fault": "slow", "seconds": 3, "count": 1})
        victim = three.instances[0]
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(app.company, victim.url)
            until(lambda: klaviyo.seen("oauth_token") > 0)
            victim.kill()
            with pytest.raises(httpx2.TransportError):
                call.result(20)
        let_locks_run_out(three.redis)
        assert app.company(at=three.instances[1].url) == "DEMO01"
        assert app.company(at=three.instances[2].url) == "DEMO01"


def test_a38_without_redis_all_wait_and_nobody_is_logged_out(app: App, three: Cluster, url: str) -> None:
    assert app.company() == "DEMO01"
    waiting = Browser(url)
    shown = waiting.authorize(app.query())
    three.redis.stop()
    try:
        time.sleep(5.1)  # until then a token that was seen is still trusted
        for _ in three.instances:
            answer = app.mcp("tools/list")
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert "www-authenticate" not in answer.headers
            for told in (app.refresh(), app.post("/revoke", {"token": app.tokens["refresh_token"]})):
                assert (told.status_code, told.json()["error"]) == (503, "temporarily_unavailable")
                assert told.headers["retry-after"]
        with client(base_url=url) as http:
            assert http.post("/register", json={"redirect_uris": ["http://127.0.0.1/x"]}).status_code == 503
            assert http.get("/authorize", params=app.query()).status_code == 503
            assert http.get("/.well-known/oauth-authorization-server").status_code == 200
            assert http.get("/healthz").status_code == 200
            assert http.get("/").status_code == 200
        assert waiting.consent(shown).status_code == 503
        three.ready(503)
    finally:
        three.redis.start()
    three.ready()
    assert app.company() == "DEMO01"
    assert app.refresh().status_code == 200
    assert waiting.consent(shown).status_code == 303, "a page that was open goes on"


def let_locks_run_out(server: RedisServer) -> None:
    """What the dead has locked is free after 25 seconds. Let them pass."""
    with redis.Redis.from_url(server.url) as store:
        for key in store.scan_iter("*lock::*"):
            store.pexpire(key, 500)


def token_of(told: dict[str, Any]) -> str:
    """The confirmation that a held call waits for."""
    assert told.get("done") is False, told
    return told["confirmation"]["token"]


def until(holds: Callable[[], bool], within: float = 20) -> None:
    """Wait for something."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come to it"
        time.sleep(0.02)
