"""Flows, the actions they are made of, and the messages these send."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BOOLEAN, MOMENT, STRING
from klaviyo_sandbox.api.flow_shapes import ACTION, DEFINITION, MESSAGE
from klaviyo_sandbox.behaviour import flows
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Document, Free, Items, Number, Record, Text

_DEFINITION = Record(
    {
        "triggers": Items(Free()),
        "profile_filter": Record({"condition_groups": Items(Free())}, nullable=True),
        "actions": Items(Free()),
        "entry_action_id": STRING,
        "reentry_criteria": Record({"duration": Number(nullable=True), "unit": STRING}, nullable=True),
    },
    nullable=True,
)

RESOURCES = (
    Resource(
        "flow",
        Record(
            {
                "name": STRING,
                "status": STRING,
                "archived": BOOLEAN,
                "created": MOMENT,
                "updated": MOMENT,
                "trigger_type": STRING,
                "definition": _DEFINITION,
            }
        ),
        on_request=("definition",),
        computed={"definition": flows.definitions},
        relations=(
            Relation("flow-actions", "flow-action", foreign="flow_id", newest_first=True),
            Relation("tags", "tag", link="tag.flows", inverse=True),
        ),
        columns={
            "name": Column("name"),
            "status": Column("status"),
            "archived": Column("archived", "flag"),
            "trigger_type": Column("trigger_type"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id")),
        owns=(("flow-action", "flow_id"),),
    ),
    Resource(
        "flow-action",
        Record({"created": MOMENT, "updated": MOMENT, "definition": Document()}),
        ids="rising",
        malformed=400,
        relations=(
            Relation("flow", "flow", column="flow_id", data=True),
            Relation("flow-messages", "flow-message", foreign="action_id"),
        ),
        columns={
            "flow_id": Column("_flow_id"),
            "action_type": Column("_action_type"),
            "status": Column("definition.data.status"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        indexes=(("flow_id", "id"),),
        owns=(("flow-message", "action_id"),),
    ),
    Resource(
        "flow-message",
        Record({"channel": STRING, "created": MOMENT, "updated": MOMENT, "definition": MESSAGE}),
        computed={"definition": flows.message_definitions},
        relations=(
            Relation("flow-action", "flow-action", column="action_id"),
            Relation("template", "template", column="template_id"),
        ),
        columns={
            "action_id": Column("_action_id"),
            "template_id": Column("_template_id"),
            "name": Column("_name"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        indexes=(("action_id", "id"),),
        owns=(("template", "owner_id"), ("translation", "flow_message_id")),
    ),
)

OPERATIONS = (
    Operation("get_flows", "flow", generic.list_resources, past_only=True, sorted_by_date=True),
    Operation("get_flow", "flow", generic.get_resource),
    Operation(
        "create_flow",
        "flow",
        flows.create_flow,
        extra=("definition",),
        body=Record({"name": Text(shortest=1), "definition": DEFINITION}, required=("name", "definition")),
    ),
    Operation(
        "update_flow",
        "flow",
        flows.update_flow,
        body=Record({"status": Text(choices=("draft", "manual", "live"))}, required=("status",)),
        identified="required",
    ),
    Operation("delete_flow", "flow", flows.delete_flow, empty=True),
    Operation("get_actions_for_flow", "flow-action", generic.list_related, parent="flow", past_only=True),
    Operation("get_action_ids_for_flow", "flow-action", generic.list_related_ids, parent="flow", past_only=True),
    Operation("get_tags_for_flow", "tag", generic.list_related, parent="flow"),
    Operation("get_tag_ids_for_flow", "tag", generic.list_related_ids, parent="flow"),
    Operation("get_flow_action", "flow-action", generic.get_resource),
    Operation(
        "update_flow_action",
        "flow-action",
        flows.update_action,
        body=Record({"definition": ACTION}, required=("definition",)),
        identified="required",
    ),
    Operation("delete_flow_action", "flow-action", flows.delete_action, empty=True),
    Operation("get_flow_for_flow_action", "flow", generic.get_related, parent="flow-action"),
    Operation("get_flow_id_for_flow_action", "flow", generic.get_related_id, parent="flow-action"),
    Operation("get_flow_action_messages", "flow-message", generic.list_related, parent="flow-action"),
    Operation("get_message_ids_for_flow_action", "flow-message", generic.list_related_ids, parent="flow-action"),
    Operation("get_flow_message", "flow-message", generic.get_resource),
    Operation("get_action_for_flow_message", "flow-action", generic.get_related, parent="flow-message"),
    Operation("get_action_id_for_flow_message", "flow-action", generic.get_related_id, parent="flow-message"),
    Operation("get_template_for_flow_message", "template", generic.get_related, parent="flow-message"),
    Operation("get_template_id_for_flow_message", "template", generic.get_related_id, parent="flow-message"),
)
