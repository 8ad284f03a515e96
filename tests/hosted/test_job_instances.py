"""Jobs of two instances that have Redis and PostgreSQL in common: one dies or is told to stop, the other goes on."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import running_redis
from tests.hosted.driving import App, Browser, latest, logged, new_app
from tests.hosted.processes import Cluster, cluster
from tests.hosted.test_exports import a_second_passes
from tests.hosted.test_jobs import ADDRESSES, begun, over, slow_job, start, until
from tests.hosted.test_uploads import CSV, ids, upload
from tests.jobs.conftest import running_postgres


@pytest.fixture(scope="module")
def two(klaviyo: Any, tmp_path_factory: Any) -> Iterator[Cluster]:
    klaviyo.begin()
    with (
        running_redis(tmp_path_factory.mktemp("redis")) as store,
        running_postgres() as postgres,
        cluster(
            klaviyo,
            store,
            tmp_path_factory.mktemp("homes"),
            2,
            KLAVIYO_MCP_JOBS_URL=postgres.url,
            KLAVIYO_MCP_METRICS_PORT="",
        ) as started,
    ):
        yield started


@pytest.fixture
def app(klaviyo: Any, two: Cluster) -> App:
    klaviyo.begin()
    return new_app(two.url).connected()


def test_a_file_that_one_instance_took_is_imported_by_another(app: App, two: Cluster) -> None:
    first, second = (instance.url for instance in two.instances)
    person = Browser(two.url)
    person.connect()
    upload(person, "fair.csv", CSV)
    given = {"kind": "profiles", "upload": ids(person)[0]}
    token = start(app, at=first, **given)["confirmation"]["token"]
    confirmed = {"token": token, "action": "start_job", "arguments": given}
    job = app.call("confirm_action", at=second, **confirmed)["job"]
    assert over(app, job)["state"] == "done"
    assert "error" in app.ask("confirm_action", at=first, **confirmed), "once"


def test_a40_an_export_that_one_instance_leaves_has_every_row_once(app: App, two: Cluster, klaviyo: Any) -> None:
    rows = [{"email": f"person-{number}@example.com"} for number in range(450)]
    assert over(app, begun(app, at=two.instances[0].url, rows=rows))["state"] == "done"
    a_second_passes()
    leaving, staying = two.instances
    given = {"action": "start_export", "arguments": {"kind": "profiles"}}
    whole = over(app, app.call("run_read_action", **given)["job"])
    klaviyo.fail({"operation": "get_profiles", "fault": "latency", "seconds": 0.6})
    job = app.call("run_read_action", at=leaving.url, **given)["job"]
    until(lambda: app.call("get_job", at=staying.url, job=job)["progress"].get("rows", 0) >= 100)
    leaving.signal(signal.SIGKILL)
    leaving.wait()
    two.replace(0)
    klaviyo.fail()
    again = over(app, job)
    assert again["progress"]["rows"] == whole["progress"]["rows"] > 450, again
    person = Browser(two.url)
    person.connect()
    assert person.http.get(f"/exports/{job}").content == person.http.get(f"/exports/{whole['job']}").content


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a40_what_one_instance_leaves_another_goes_on_with(
    app: App, two: Cluster, klaviyo: Any, how: signal.Signals
) -> None:
    leaving, staying = two.instances
    before = latest(klaviyo)
    job = slow_job(app, klaviyo, at=leaving.url)
    leaving.signal(how)
    leaving.wait()
    two.replace(0)
    for _ in range(3):
        if (found := app.call("wait_for_job", at=staying.url, job=job, seconds=20))["state"] == "done":
            break
    assert found["state"] == "done", found
    assert found["progress"]["settled"] == len(ADDRESSES)
    posts = [one for one in logged(klaviyo, before) if one["operation"] == "bulk_unsuppress_profiles"]
    if how == signal.SIGTERM:
        assert len(posts) == 4, "it was left at a step, and not in one"
    assert not [line for line in leaving.said if "Traceback" in line or "example.com" in line]
