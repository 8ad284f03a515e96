"""Flows: from their definition to their actions, messages, tags and triggers."""

from scenarios.sdk import Klaviyo, body, every_page, ids, refused


def a_flow_is_made_read_to_its_messages_switched_on_and_deleted(klaviyo: Klaviyo) -> None:
    newsletter = klaviyo.Lists.get_lists(filter='equals(name,"Newsletter")').data[0].id
    source = klaviyo.Templates.get_templates(filter='equals(name,"Welcome, first email")').data[0].id
    message = {
        "subject_line": "Welcome!",
        "from_email": "shop@example.org",
        "from_label": "The shop",
        "template_id": source,
        "name": "Welcome",
    }
    definition = {
        "triggers": [{"type": "list", "id": newsletter}],
        "entry_action_id": "welcome",
        "actions": [
            {
                "temporary_id": "welcome",
                "type": "send-email",
                "links": {"next": "wait"},
                "data": {"message": message, "status": "draft"},
            },
            {
                "temporary_id": "wait",
                "type": "time-delay",
                "links": {"next": None},
                "data": {"unit": "days", "value": 3},
            },
        ],
    }
    flow = klaviyo.Flows.create_flow(
        body("flow", name="SDK welcome", definition=definition), additional_fields_flow=["definition"]
    ).data
    assert len(flow.attributes.definition.actions) == 2
    read = klaviyo.Flows.get_flow(flow.id, include=["flow-actions", "tags"], additional_fields_flow=["definition"])
    assert read.data.attributes.trigger_type == "Added to List"

    actions = klaviyo.Flows.get_actions_for_flow(flow.id, sort="created", page_size=10)
    assert set(ids(actions)) == set(ids(klaviyo.Flows.get_action_ids_for_flow(flow.id)))
    (mailing,) = ids(klaviyo.Flows.get_actions_for_flow(flow.id, filter='equals(action_type,"SEND_EMAIL")'))
    assert klaviyo.Flows.get_flow_for_flow_action(mailing).data.id == flow.id
    assert klaviyo.Flows.get_flow_id_for_flow_action(mailing).data.id == flow.id
    (sent,) = ids(klaviyo.Flows.get_flow_action_messages(mailing, sort="name"))
    assert ids(klaviyo.Flows.get_message_ids_for_flow_action(mailing)) == [sent]
    assert klaviyo.Flows.get_action_for_flow_message(sent).data.id == mailing
    assert klaviyo.Flows.get_action_id_for_flow_message(sent).data.id == mailing
    copy = klaviyo.Flows.get_template_for_flow_message(sent).data.id
    assert klaviyo.Flows.get_template_id_for_flow_message(sent).data.id == copy
    shown = klaviyo.Flows.get_flow_message(sent, include=["flow-action", "template"])
    assert shown.data.id == sent

    action = klaviyo.Flows.get_flow_action(mailing, include=["flow", "flow-messages"]).data
    changed = _plain(action.attributes.definition)
    changed["data"]["message"]["subject_line"] = "Welcome to the shop!"
    klaviyo.Flows.update_flow_action(mailing, body("flow-action", mailing, definition=changed))
    read = klaviyo.Flows.get_flow_action(mailing).data.attributes
    assert _plain(read.definition)["data"]["message"]["subject_line"] == "Welcome to the shop!"

    assert klaviyo.Flows.update_flow(flow.id, body("flow", flow.id, status="live")).data.attributes.status == "live"
    assert flow.id in ids(klaviyo.Lists.get_flows_triggered_by_list(newsletter))
    live = klaviyo.Flows.get_flows(filter='and(equals(status,"live"),contains(name,"SDK"))', include=["flow-actions"])
    assert ids(live) == [flow.id]
    waiting = next(identifier for identifier in ids(actions) if identifier != mailing)
    pause = {"temporary_id": "pause", "type": "time-delay", "data": {"unit": "days", "value": 1}}
    entry = {**pause, "links": {"next": mailing}}
    first = klaviyo.Flows.create_flow_action(body("flow-action", definition=entry, allow_live_action=True)).data.id
    klaviyo.Flows.delete_flow_action(first)
    klaviyo.Flows.delete_flow_action(waiting)
    assert ids(klaviyo.Flows.get_actions_for_flow(flow.id)) == [mailing]
    klaviyo.Flows.delete_flow(flow.id)
    assert refused(klaviyo.Flows.get_flow, flow.id) == (404, "not_found")
    assert len(every_page(klaviyo.Flows.get_flows, page_size=3, sort="-name")) == 11


def _plain(definition):
    return definition if isinstance(definition, dict) else definition.to_dict()


def a_metric_knows_the_flows_it_triggers(klaviyo: Klaviyo) -> None:
    carts = klaviyo.Flows.get_flows(filter='equals(name,"Abandoned cart")').data[0].id
    metrics = every_page(klaviyo.Metrics.get_metrics)
    checkout = next(metric.id for metric in metrics if metric.attributes.name == "Started Checkout")
    assert carts in ids(klaviyo.Metrics.get_flows_triggered_by_metric(checkout))
    assert carts in ids(klaviyo.Metrics.get_ids_for_flows_triggered_by_metric(checkout))
    assert klaviyo.Metrics.get_metric(checkout, include=["flow-triggers"]).data.attributes.name == "Started Checkout"
