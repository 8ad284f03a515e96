"""Events in bulk: all of a request is accepted or nothing; and what an event is related to."""


def event(metric="Tried On", **attributes):
    metric = {"data": {"type": "metric", "attributes": {"name": metric}}}
    return {"type": "event", "attributes": {"properties": {"Size": "M"}, "metric": metric, **attributes}}


def batch(email, *events, **attributes):
    profile = {"data": {"type": "profile", "attributes": {"email": email} if email else {}}}
    attributes = {"profile": profile, "events": {"data": list(events)}, **attributes}
    return {"type": "event-bulk-create", "attributes": attributes}


def send(sandbox, *batches):
    attributes = {"events-bulk-create": {"data": list(batches)}}
    return sandbox.post(
        "/api/event-bulk-create-jobs", {"data": {"type": "event-bulk-create-job", "attributes": attributes}}
    )


def stored(sandbox, metric="Tried On"):
    names = [item["attributes"]["name"] for item in sandbox.data("/api/metrics")]
    return (
        sandbox.walk(f'/api/events?filter=equals(metric_id,"{sandbox.metric_id(metric)}")') if metric in names else []
    )


def test_the_events_of_several_people_are_recorded(sandbox):
    answer = send(
        sandbox,
        batch("ana@fernmail.example", event(unique_id="1"), event(unique_id="2", value=9.5)),
        batch("bo@fernmail.example", event(time="2026-11-01T10:00:00Z"), backfill=True),
    )
    assert (answer.status_code, answer.content) == (202, b"")
    found = stored(sandbox)
    assert len(found) == 3
    ana = sandbox.profile("ana@fernmail.example")
    assert [item["relationships"]["profile"]["data"]["id"] for item in found].count(ana["id"]) == 2

    identifier = found[0]["id"]
    metric = sandbox.data(f"/api/events/{identifier}/relationships/metric")
    assert metric == {"type": "metric", "id": sandbox.metric_id("Tried On")}
    person = sandbox.data(f"/api/events/{identifier}/relationships/profile")
    assert person == {"type": "profile", "id": sandbox.data(f"/api/events/{identifier}/profile")["id"]}
    sandbox.problem(sandbox.get("/api/events/malformed!/relationships/profile"), 400)


def test_one_faulty_event_stops_them_all(sandbox):
    faulty = (
        [batch("ana@fernmail.example", event(unique_id="1"), event(unique_id="1"))],
        [batch("ana@fernmail.example", event()), batch("bo@fernmail.example", event(time="1980-01-01T00:00:00Z"))],
        [batch("ana@fernmail.example", event()), batch(None, event())],
        [batch("ana@fernmail.example", event(), event(properties={"Text": "x" * (100 * 1024 + 1)}))],
    )
    for batches in faulty:
        assert send(sandbox, *batches).status_code == 400
    error = sandbox.problem(send(sandbox, *faulty[1]), 400)
    assert error["source"]["pointer"].endswith("/data/1/attributes/events/data/0/attributes/time")
    assert stored(sandbox) == []


def test_a_request_holds_up_to_a_thousand_events(sandbox):
    many = [event(unique_id=str(number)) for number in range(501)]
    assert (
        send(sandbox, batch("ana@fernmail.example", *many[:500]), batch("bo@fernmail.example", *many)).status_code
        == 400
    )
    assert send(sandbox, batch("ana@fernmail.example", *many)).status_code == 202
    assert len(stored(sandbox)) == 501


def test_events_of_example_addresses_are_dropped_without_a_word(sandbox):
    assert send(sandbox, batch("ana@example.com", event())).status_code == 202
    assert stored(sandbox) == []


def test_the_same_event_again_changes_nothing(sandbox):
    for size in ("S", "L"):
        send(sandbox, batch("ana@fernmail.example", event(unique_id="1", properties={"Size": size})))
    (found,) = stored(sandbox)
    assert found["attributes"]["event_properties"]["Size"] == "S"
