"""Records that come along: by type, each once, and with the records they belong to."""

from klaviyo_mcp.answers.related import included
from klaviyo_mcp.klaviyo.requests import Reply


def test_included_records_are_grouped_by_type() -> None:
    document = {"included": [{"type": "list", "id": "L1", "attributes": {"name": "VIP"}}, {"type": "tag", "id": "T1"}]}
    assert included([Reply(200, document)]) == {"list": [{"id": "L1", "name": "VIP"}], "tag": [{"id": "T1"}]}
    assert included([Reply(200, {"included": None})]) == {}
