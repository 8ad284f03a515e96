"""Translations of messages, templates and universal content."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT
from klaviyo_sandbox.behaviour import translations
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Document, Free, Items, Record, Shape, Text

# A language as BCP 47 writes it: `de`, `fr-CA`, `zh-Hant-TW`.
_TAG = "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
_LOCALE, _CHANGED_LOCALE = Text(pattern=_TAG), Text(pattern=_TAG, nullable=True)
_CHANNEL = Text(choices=translations.CHANNELS)
_LOCALES: dict[str, Shape] = {
    "source_locale": _LOCALE,
    "target_locales": Items(_LOCALE),
    "fallback_locale": _LOCALE,
    "channel": _CHANNEL,
}
_VALUE = Record({"id": Text(shortest=1), "translations": Free()}, required=("id", "translations"))
# Here a flow's message is shown in another form than by the operations of flows.
_PLAIN = {"flow-message": "plain-flow-message"}
_COLUMNS = {name: f"{name.replace('-', '_')}_id" for name in translations.TRANSLATED}


def _one(kind: str) -> Record:
    """A relationship to one thing of a kind."""
    identifier = Record({"type": Text(choices=(kind,)), "id": Text(shortest=1)}, required=("type", "id"))
    return Record({"data": identifier}, required=("data",))


RESOURCES = (
    Resource(
        translations.KIND,
        Record(
            {
                **_LOCALES,
                "metadata": Document(),
                "created": MOMENT,
                "updated": MOMENT,
                "values": Items(Free(), nullable=True),
            }
        ),
        ids="chosen",
        relations=tuple(
            Relation(kind, _PLAIN.get(kind, kind), column=column, data=True, unrelated="nothing")
            for kind, column in _COLUMNS.items()
        ),
        on_request=("values",),
        computed={"values": translations.values},
        columns={
            "channel": Column("channel", nullable=False),
            "resource_type": Column("_resource_type", nullable=False),
            "related_id": Column("_related_id", nullable=False),
            **{column: Column(f"_{column}") for column in _COLUMNS.values()},
        },
        indexes=(("related_id", "id"), *((column,) for column in _COLUMNS.values())),
    ),
    Resource(
        "flow-message",
        Record({"name": Text(), "channel": Text(), "content": Document(), "created": MOMENT, "updated": MOMENT}),
        relations=(
            Relation("flow-action", "flow-action", column="action_id"),
            Relation("template", "template", column="template_id"),
        ),
        computed={"name": translations.message_names, "content": translations.message_contents},
        columns={"action_id": Column("_action_id"), "template_id": Column("_template_id")},
        stored=False,
        key=_PLAIN["flow-message"],
    ),
)

OPERATIONS = (
    Operation(
        "get_translations",
        translations.KIND,
        generic.list_resources,
        lookups={"related_resource_id": Lookup("related_id")},
    ),
    Operation("get_translation", translations.KIND, generic.get_resource),
    Operation(
        "create_translation",
        translations.KIND,
        translations.create,
        body=Record(_LOCALES, required=tuple(_LOCALES)),
        body_relationships=Record({kind: _one(kind) for kind in (*translations.TRANSLATED, "consent-page")}),
    ),
    Operation(
        "update_translation",
        translations.KIND,
        translations.update,
        body=Record(
            {
                "source_locale": _CHANGED_LOCALE,
                "target_locales": Items(_LOCALE, nullable=True),
                "fallback_locale": _CHANGED_LOCALE,
                "values": Items(_VALUE, nullable=True),
            }
        ),
        identified="required",
    ),
    Operation(
        "get_translation_for_campaign_variation", translations.KIND, generic.get_related, parent="campaign-variation"
    ),
    Operation(
        "get_translation_id_for_campaign_variation",
        translations.KIND,
        generic.get_related_id,
        parent="campaign-variation",
    ),
    Operation("delete_translation", translations.KIND, translations.delete, empty=True),
    *(
        Operation(
            f"get_{kind.replace('-', '_')}_for_translation",
            _PLAIN.get(kind, kind),
            generic.get_related,
            parent=translations.KIND,
        )
        for kind in translations.TRANSLATED
    ),
    *(
        Operation(
            f"get_{kind.replace('-', '_')}_id_for_translation", kind, generic.get_related_id, parent=translations.KIND
        )
        for kind in translations.TRANSLATED
    ),
)
