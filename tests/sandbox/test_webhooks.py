"""Webhooks: kept with their secret out of sight, and really posted to, in the background and signed."""

import hmac
import json
import threading
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

SECRET = "a secret of some length"
TOPIC = "event:klaviyo.opened_email"


class Receiver:
    """A web server on this machine that keeps what is posted to it."""

    def __init__(self, status=200):
        self.status, self.requests, self.arrived = status, [], threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.end_headers()
                receiver.arrived.set()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?from=sandbox"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def wait(self):
        assert self.arrived.wait(5)
        self.arrived.clear()
        return self.requests[-1]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def body(*topics, identifier=None, **attributes):
    data = {"type": "webhook", "attributes": attributes}
    if identifier:
        data["id"] = identifier
    if topics:
        data["relationships"] = {"webhook-topics": {"data": [{"type": "webhook-topic", "id": t} for t in topics]}}
    return {"data": data}


def create(sandbox, url, *topics, name="Hook"):
    answer = sandbox.post("/api/webhooks", body(*topics, name=name, endpoint_url=url, secret_key=SECRET))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def opened(sandbox, **more):
    happen(sandbox, "Opened Email", "klaviyo", **more)


def happen(sandbox, name, service, **more):
    metric = {"data": {"type": "metric", "attributes": {"name": name, "service": service}}}
    profile = {"data": {"type": "profile", "attributes": {"email": "reader@fernmail.example"}}}
    attributes = {"properties": {"Subject": "Hello"}, "metric": metric, "profile": profile, **more}
    assert sandbox.post("/api/events", {"data": {"type": "event", "attributes": attributes}}).status_code == 202


def deliveries(sandbox, *statuses):
    """What became of the deliveries, once there are as many as expected and none is under way."""
    for _ in range(200):
        found = sandbox.get("/_sandbox/deliveries").json()
        if len(found) >= len(statuses) and "pending" not in [one["status"] for one in found]:
            break
        time.sleep(0.01)
    assert [one["status"] for one in found] == list(statuses)
    return found


def test_a_webhook_never_shows_its_secret_and_only_part_of_its_address(sandbox):
    made = create(sandbox, "https://user@hooks.example:8443/path/token?key=1", TOPIC)
    assert made["attributes"]["endpoint_url"] == "https://hooks.example:8443"
    assert made["attributes"]["enabled"] is True
    assert made["relationships"]["webhook-topics"]["data"] == [{"type": "webhook-topic", "id": TOPIC}]
    read = sandbox.get(f"/api/webhooks/{made['id']}?include=webhook-topics")
    assert SECRET not in read.text
    assert "token" not in read.text
    assert read.json()["included"][0]["id"] == TOPIC
    assert [item["id"] for item in sandbox.data("/api/webhooks")] == [made["id"]]


def test_a_webhook_can_be_changed_and_deleted(sandbox):
    made = create(sandbox, "https://hooks.example/a", TOPIC)
    path = f"/api/webhooks/{made['id']}"
    sandbox.clock.advance(60)
    other = "event:klaviyo.clicked_email"
    change = body(other, identifier=made["id"], name="Renamed", description=None, enabled=False)
    changed = sandbox.patch(path, change).json()["data"]
    assert changed["attributes"]["name"] == "Renamed"
    assert changed["attributes"]["enabled"] is False
    assert changed["attributes"]["updated_at"] > changed["attributes"]["created_at"]
    assert [item["id"] for item in changed["relationships"]["webhook-topics"]["data"]] == [other]
    assert sandbox.delete(path).status_code == 204
    sandbox.problem(sandbox.get(path), 404)


def test_topics_can_be_listed_and_read(shop):
    assert TOPIC in [topic["id"] for topic in shop.data("/api/webhook-topics")]
    assert shop.data(f"/api/webhook-topics/{TOPIC}")["id"] == TOPIC
    shop.problem(shop.get("/api/webhook-topics/event:klaviyo.sneezed"), 404)


def test_there_is_a_topic_for_each_metric_and_a_second_name_for_those_of_texts(sandbox):
    def topics():
        return {topic["id"] for topic in sandbox.data("/api/webhook-topics")}

    assert topics() >= {"event:api.viewed_product", "event:shopify.placed_order", "event:klaviyo.merged_profile"}
    assert {"event:klaviyo.received_sms", "event:klaviyo.received_text_message"} <= topics()
    assert "event:api.rented_a_tent" not in topics()
    happen(sandbox, "Rented a Tent", "api")
    assert "event:api.rented_a_tent" in topics()


@pytest.mark.parametrize(
    ("metric", "service", "topic"),
    [
        ("Viewed Product", "api", "event:api.viewed_product"),
        ("Received SMS", "klaviyo", "event:klaviyo.received_text_message"),
    ],
)
def test_events_are_posted_under_the_topic_that_was_asked_for(sandbox, receiver, metric, service, topic):
    create(sandbox, receiver.url, topic)
    happen(sandbox, metric, service)
    _, _, content = receiver.wait()
    assert [item["topic"] for item in json.loads(content)["data"]] == [topic]
    deliveries(sandbox, "delivered")


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint_url": "http://hooks.example/a"},
        {"endpoint_url": "ftp://hooks.example/a"},
        {"endpoint_url": "nowhere"},
        {"secret_key": "too short"},
    ],
)
def test_addresses_and_secrets_are_checked(sandbox, wrong):
    good = {"name": "Hook", "endpoint_url": "https://hooks.example/a", "secret_key": SECRET}
    sandbox.problem(sandbox.post("/api/webhooks", body(TOPIC, **{**good, **wrong})), 400)
    sandbox.problem(sandbox.post("/api/webhooks", body("event:klaviyo.sneezed", **good)), 400)
    sandbox.problem(sandbox.post("/api/webhooks", body(**good)), 400)


def test_an_account_has_at_most_ten_webhooks(sandbox):
    for number in range(10):
        create(sandbox, f"https://hooks.example/{number}", TOPIC)
    answer = sandbox.post(
        "/api/webhooks", body(TOPIC, name="More", endpoint_url="https://hooks.example", secret_key=SECRET)
    )
    assert "10" in sandbox.problem(answer, 400)["detail"]


def test_webhooks_need_advanced_kdp(make_sandbox):
    lacking = make_sandbox(without=["webhooks"])
    error = lacking.problem(lacking.get("/api/webhooks"), 403)
    assert error["code"] == "permission_denied"
    assert error["detail"] == "You must have Advanced KDP enabled to use this endpoint."


def test_an_event_is_posted_and_signed(sandbox, receiver):
    webhook = create(sandbox, receiver.url, TOPIC, "event:klaviyo.clicked_email")
    opened(sandbox)
    path, headers, content = receiver.wait()
    assert path == "/hooks?from=sandbox"
    assert headers["Klaviyo-Webhook-Id"] == webhook["id"]
    assert headers["Klaviyo-Timestamp"] == "Mon, 16 Nov 2026 12:00:00 GMT"
    signature = hmac.new(SECRET.encode(), content + headers["Klaviyo-Timestamp"].encode(), sha256).hexdigest()
    assert headers["Klaviyo-Signature"] == signature

    notice = json.loads(content)
    assert notice["meta"]["klaviyo_webhook_id"] == webhook["id"]
    (item,) = notice["data"]
    assert item["topic"] == TOPIC
    event = sandbox.data(f"/api/events/{item['external_id']}")
    assert item["payload"]["data"]["attributes"] == event["attributes"]
    (delivery,) = deliveries(sandbox, "delivered")
    assert (delivery["response_status"], delivery["body"]) == (200, content.decode())


def test_an_event_that_is_not_stored_is_not_posted(sandbox, receiver):
    create(sandbox, receiver.url, TOPIC)
    opened(sandbox, unique_id="once")
    receiver.wait()
    opened(sandbox, unique_id="once")
    deliveries(sandbox, "delivered")


def test_a_disabled_webhook_is_not_posted_to(sandbox, receiver):
    made = create(sandbox, receiver.url, TOPIC)
    sandbox.patch(f"/api/webhooks/{made['id']}", body(identifier=made["id"], enabled=False))
    opened(sandbox)
    deliveries(sandbox)


def test_nothing_leaves_this_machine(sandbox):
    create(sandbox, "https://hooks.example/a", TOPIC)
    opened(sandbox)
    (delivery,) = deliveries(sandbox, "not delivered")
    assert "this machine" in delivery["error"]


def test_a_failed_delivery_is_tried_again_until_the_webhook_is_disabled(sandbox, receiver):
    made = create(sandbox, receiver.url, TOPIC)
    receiver.status = 500
    opened(sandbox)
    receiver.wait()
    deliveries(sandbox, "failed")
    sandbox.post("/_sandbox/clock", {"advance": 10})
    receiver.wait()
    deliveries(sandbox, "failed", "failed")
    sandbox.post("/_sandbox/clock", {"advance": 49 * 3600})
    receiver.wait()
    deliveries(sandbox, "failed", "failed", "failed")
    for _ in range(100):
        if not sandbox.data(f"/api/webhooks/{made['id']}")["attributes"]["enabled"]:
            break
        time.sleep(0.01)
    assert sandbox.data(f"/api/webhooks/{made['id']}")["attributes"]["enabled"] is False
