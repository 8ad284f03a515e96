"""Fields that Klaviyo returns and does not take: a record can be read, changed and sent back."""

from copy import deepcopy

from klaviyo_mcp.actions.read_only import without_read_only

SCHEMA = {
    "properties": {
        "id": {"type": "string"},
        "definition": {"$ref": "#/$defs/Definition"},
    },
    "$defs": {
        "Definition": {
            "properties": {
                "id": {"type": "string", "readOnly": True},
                "blocks": {
                    "items": {
                        "anyOf": [
                            {"properties": {"id": {"readOnly": True}, "type": {}, "text": {}}},
                            {"properties": {"id": {"readOnly": True}, "type": {}, "link": {"$ref": "#/$defs/Link"}}},
                        ]
                    }
                },
            }
        },
        "Link": {"properties": {"id": {}, "url": {}}},
    },
}


def test_what_is_read_only_is_left_out_at_every_depth_and_nothing_else_is() -> None:
    given = {
        "id": "T1",
        "definition": {
            "id": "D1",
            "blocks": [{"id": "B1", "text": "Hi"}, {"id": "B2", "link": {"id": "L1", "url": "u"}}],
        },
    }
    assert without_read_only(given, SCHEMA) == {
        "id": "T1",
        "definition": {"blocks": [{"text": "Hi"}, {"link": {"id": "L1", "url": "u"}}]},
    }
    assert given["definition"]["id"] == "D1"


def test_a_template_can_be_sent_back_as_it_was_read(registry, request_of) -> None:
    example = registry["update_template"].spec.examples[1].arguments
    read = deepcopy(example)
    definition = read["definition"]
    definition |= {"id": "D", "template_id": "T"}
    definition["body"]["id"] = "B"
    section = definition["body"]["sections"][0]
    section |= {"id": "S", "data_id": "SD"}
    section["rows"][0]["columns"][0]["blocks"][0] |= {"id": "X", "data_id": "XD", "universal_id": None}
    assert request_of("update_template", **read) == request_of("update_template", **example)


def test_a_campaign_message_takes_only_the_fields_of_its_channel(problems) -> None:
    campaign = {"name": "X", "audiences": {"included": ["VbT4kM"]}}
    (line,) = problems("create_campaign", **campaign, messages=[{"channel": "sms", "body": "Hi", "subject": "Hi"}])
    assert line.startswith("messages[0].subject: there is no such field")
    (line,) = problems("create_campaign", **campaign, messages=[{"channel": "mobile_push", "title": "Hi"}])
    assert line.startswith("messages[0].body: is required")
    (line,) = problems("create_campaign", **campaign, messages=[{"channel": "pigeon"}])
    assert line.startswith("messages[0].channel: must say which form this is. One of: email, sms, mobile_push")
    silent = {"channel": "mobile_push", "notification_type": "silent", "kv_pairs": {"a": "b"}}
    assert problems("create_campaign", **campaign, messages=[silent]) == []
