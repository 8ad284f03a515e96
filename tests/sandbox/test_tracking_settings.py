"""Tracking settings: one of each account, whose id is the account's."""

import pytest

from klaviyo_sandbox import COMPANY_ID

PATH = f"/api/tracking-settings/{COMPANY_ID}"


def change(sandbox, **attributes):
    return sandbox.patch(PATH, {"data": {"type": "tracking-setting", "id": COMPANY_ID, "attributes": attributes}})


def test_an_account_has_one(sandbox):
    (setting,) = sandbox.data("/api/tracking-settings?page[size]=1")
    assert setting == sandbox.data(PATH)
    assert setting["id"] == COMPANY_ID
    assert setting["attributes"]["utm_medium"]["flow"] == {"type": "dynamic", "value": "message_type"}
    few = sandbox.data(f"{PATH}?fields[tracking-setting]=utm_source.flow.value,auto_add_parameters")["attributes"]
    assert few == {"auto_add_parameters": True, "utm_source": {"flow": {"value": "Klaviyo"}}}
    sandbox.problem(sandbox.get("/api/tracking-settings?page[size]=2"), 400)
    sandbox.problem(sandbox.get("/api/tracking-settings/OTHER1"), 404)


def test_sides_of_a_parameter_change_by_themselves(sandbox):
    term = {"type": "dynamic", "value": "campaign_name_send_day"}
    custom = [{"name": "utm_team", "flow": {"type": "static", "value": "crm"}}]
    answer = change(sandbox, utm_source={"campaign": term}, custom_parameters=custom, utm_id=None)
    assert answer.status_code == 200
    told = sandbox.data(PATH)["attributes"]
    assert told["utm_source"] == {"flow": {"type": "static", "value": "Klaviyo"}, "campaign": term}
    assert told["custom_parameters"] == custom
    assert change(sandbox, auto_add_parameters=False).json()["data"]["attributes"]["auto_add_parameters"] is False
    assert sandbox.data(PATH)["attributes"]["custom_parameters"] == custom


@pytest.mark.parametrize(
    "wrong",
    [
        {"utm_source": {"flow": {"type": "dynamic", "value": "campaign_id"}}},
        {"utm_source": {"campaign": {"type": "dynamic", "value": "flow_id"}}},
        {"utm_source": {"campaign": {"type": "static"}}},
        {"utm_content": {}},
        {"auto_add_parameters": "yes"},
        {"custom_parameters": [{"flow": {"type": "static", "value": "crm"}}]},
        {"custom_parameters": [{"name": "a"}, {"name": "a"}]},
    ],
)
def test_settings_are_checked(sandbox, wrong):
    assert change(sandbox, **wrong).status_code == 400
