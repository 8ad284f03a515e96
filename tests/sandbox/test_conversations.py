"""Conversations: a message to one is kept, and told of as an event."""


def send(sandbox, conversation, body="On its way!", **attributes):
    reference = {"conversation": {"data": {"type": "conversation", "id": conversation}}}
    data = {"type": "conversation-message", "attributes": {"body": body, **attributes}, "relationships": reference}
    return sandbox.post("/api/conversation-messages", {"data": data})


def conversation_of(sandbox):
    """A profile with a conversation, and that conversation."""
    for profile in sandbox.walk("/api/profiles?page[size]=100"):
        if found := sandbox.data(f"/api/profiles/{profile['id']}/conversations"):
            return profile["id"], found[0]["id"]
    raise AssertionError("The demo shop has no conversations.")


def test_a_message_is_sent(sandbox):
    profile, conversation = conversation_of(sandbox)
    answer = send(sandbox, conversation)
    assert (answer.status_code, answer.content) == (202, b"")
    metric = sandbox.metric_id("Sent SMS")
    (event,) = sandbox.data(f'/api/events?filter=equals(metric_id,"{metric}"),equals(profile_id,"{profile}")')
    assert event["attributes"]["event_properties"]["Message Body"] == "On its way!"


def test_a_message_may_have_a_fallback(sandbox):
    _, conversation = conversation_of(sandbox)
    card = {"id": "1", "title": "Tent", "buttons": [{"id": "b", "text": "Look", "type": "OPEN_URL"}]}
    rich = {"message_format": "RCS", "rich_content": {"cards": [card]}}
    text = {"message_format": "SMS", "message": "Look at this tent"}
    assert send(sandbox, conversation, "", message_hierarchy=[rich, text]).status_code == 202
    sandbox.problem(send(sandbox, conversation, "", message_hierarchy=[text, rich]), 400)
    sandbox.problem(send(sandbox, conversation, "", message_hierarchy=[{"message_format": "FAX"}]), 400)


def test_messages_are_checked(sandbox):
    _, conversation = conversation_of(sandbox)
    sandbox.problem(send(sandbox, conversation, ""), 400)
    sandbox.problem(send(sandbox, "nobody"), 404)
    data = {"type": "conversation-message", "attributes": {"body": "Hello"}}
    sandbox.problem(sandbox.post("/api/conversation-messages", {"data": data}), 400)


def test_conversations_must_be_enabled_for_the_account(make_sandbox):
    lacking = make_sandbox(without=["conversations"])
    assert lacking.problem(send(lacking, "any"), 403)["code"] == "permission_denied"
