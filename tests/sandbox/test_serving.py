"""Serving over real HTTP, from several threads and processes, and keeping state in a file."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}


@pytest.fixture
def served():
    """The address of a sandbox behind uvicorn."""
    with serve(create_app(profiles=30)) as url:
        yield url


def test_it_answers_over_http_with_links_that_can_be_followed(served):
    with httpx2.Client(base_url=served, headers=HEADERS) as client:
        document = client.get("/api/profiles?page[size]=20").json()
        following = client.get(document["links"]["next"]).json()
        assert len(document["data"]) + len(following["data"]) == 30
        made = client.post(
            "/api/lists",
            json={"data": {"type": "list", "attributes": {"name": "Åse's list"}}},
        )
        assert made.status_code == 201
        assert client.get(made.json()["data"]["links"]["self"]).json()["data"]["attributes"]["name"] == "Åse's list"
        assert client.get("/_sandbox/requests").json()[0]["path"] == "/api/profiles"


def test_http_clients_in_many_threads_do_not_get_in_each_others_way(served):
    def one(number):
        with httpx2.Client(base_url=served, headers=HEADERS) as client:
            attributes = {"email": f"{number}@example.org"}
            return client.post(
                "/api/profiles", json={"data": {"type": "profile", "attributes": attributes}}
            ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(40))) == {201}


def test_state_in_a_file_outlives_the_app_and_is_shared(make_sandbox, tmp_path):
    first = make_sandbox(state=tmp_path / "klaviyo.db")
    group = first.create_list("Kept")
    second = make_sandbox(state=tmp_path / "klaviyo.db", seed=7, profiles=5)
    assert second.data(f"/api/lists/{group}")["attributes"]["name"] == "Kept"
    assert len(second.walk("/api/profiles?page[size]=100")) == 40
    second.delete(f"/api/lists/{group}")
    assert first.get(f"/api/lists/{group}").status_code == 404


WRITER = """
import asyncio, sys, httpx2
from pathlib import Path
from klaviyo_sandbox import API_KEY, create_app
async def main(path, name):
    app = create_app(state=Path(path), profiles=20, rate_limits=False)
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        for number in range(25):
            attributes = {"email": f"{name}{number}@example.org"}
            body = {"data": {"type": "profile", "attributes": attributes}}
            assert (await client.post("/api/profiles", json=body)).status_code == 201
asyncio.run(main(*sys.argv[1:]))
"""


def test_several_processes_may_seed_and_write_one_file_at_once(make_sandbox, tmp_path):
    path = tmp_path / "klaviyo.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    people = make_sandbox(state=path).walk("/api/profiles?page[size]=100")
    assert len(people) == 20 + 3 * 25
    assert len({person["id"] for person in people}) == len(people)


def test_making_an_app_is_cheap(tmp_path):
    started = time.perf_counter()
    for _ in range(20):
        create_app(state=tmp_path / "klaviyo.db")
    assert (time.perf_counter() - started) / 20 < 0.005
    assert not (tmp_path / "klaviyo.db").exists()
