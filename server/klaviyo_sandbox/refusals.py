"""How Klaviyo refuses an id: the wording of each kind of resource, and the operations that refuse in their own way.

A kind of resource that no recording shows is refused as most are: "A coupon code with id X does not exist."
"""

from collections.abc import Mapping
from dataclasses import dataclass

from klaviyo_sandbox.errors import INVALID_INPUT, SERVER_ERROR, ApiError, Problem

_LIST, _VARIANT = "/data/relationships/list/data/id", "/data/relationships/variant/data/id"
_NO_LIST = "List not found with id {id}."
_NO_CAMPAIGN = "A campaign with id '{id}' does not exist."
_NO_VARIANT = "The variant in your relationship payload does not exist"
_NO_TYPE = "Object type `{id}` not found"
# A fault of Klaviyo's own: the first was seen to break, and the second is made like it.
BREAK_ON_UNKNOWN_IDS = ("get_object_schema_relationships", "get_profile_schema_relationships")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error about one id, which replaces `{id}` in `detail`."""

    detail: str
    status: int = 404
    code: str = "not_found"
    title: str = "Not found."
    pointer: str = "/data/"

    def of(self, identifier: str) -> ApiError:
        """The error for this id."""
        detail = self.detail.replace("{id}", identifier)
        return ApiError(self.status, [Problem(self.code, self.title, detail, {"pointer": self.pointer})])


def unknown(kind: str, identifier: str, operation: str = "") -> ApiError:
    """The error for a resource that does not exist in this account, as `operation` tells it."""
    refusal = _UNKNOWN_IN.get((operation, kind)) or Refusal(_UNKNOWN.get(kind) or _by_pattern(kind))
    return refusal.of(identifier)


def malformed(kind: str, identifier: str) -> ApiError:
    """The 400 for an id that is not of the form of its kind, where that is not a 404."""
    detail, pointer = _MALFORMED.get(kind, (f"'{{id}}' is not a valid {kind} id.", "/data/id"))
    return Refusal(detail, 400, "invalid", INVALID_INPUT, pointer).of(identifier)


def _by_pattern(kind: str) -> str:
    words = kind.replace("-", " ")
    return f"{'An' if words[0] in 'aeio' else 'A'} {words} with id {{id}} does not exist."


_UNKNOWN: Mapping[str, str] = {
    "account": "Account with id {id} not found.",
    "campaign": _NO_CAMPAIGN,
    "campaign-message": "A message with id '{id}' does not exist.",
    "campaign-recipient-estimation": _NO_CAMPAIGN,
    "campaign-recipient-estimation-job": _NO_CAMPAIGN,
    "campaign-send-job": _NO_CAMPAIGN,
    "catalog-category": "No category with the ID `{id}` exists.",
    "catalog-item": "An item with id {id} does not exist.",
    "catalog-variant": "A variant with id {id} does not exist.",
    **{
        f"catalog-{entry}-bulk-{verb}-job": f"A catalog-{entry} bulk {verb} job with id {{id}} does not exist."
        for entry in ("category", "item", "variant")
        for verb in ("create", "delete", "update")
    },
    "coupon": "A coupon with the given identifier '{id}' does not exist.",
    "coupon-code": "A coupon code with given identifier '{id}' does not exist.",
    "coupon-code-bulk-create-job": "A coupon code bulk create job with the id '{id}' does not exist.",
    "custom-metric": "Custom metric with id `{id}` does not exist.",
    "data-source": "Data source with ID {id} not found.",
    "flow-action": "An action with id {id} does not exist.",
    "form": "A form with id `{id}` does not exist.",
    "form-version": "A form version with id `{id}` does not exist.",
    "image": "Not found.",
    "list": "A list with id `{id}` does not exist.",
    "metric": "Metric with id {id} does not exist.",
    "metric-property": "A metric property with id `{id}` does not exist.",
    "object-schema": "object-schema with id `{id}` does not exist.",
    "object-type": "object-type with id `{id}` does not exist.",
    "profile-bulk-import-job": "Invalid job id",
    "profile-suppression-bulk-create-job": "A bulk profile suppression job with the id '{id}' does not exist.",
    "profile-suppression-bulk-delete-job": "A bulk profile unsuppression job with the id '{id}' does not exist.",
    "push-token": "Record with token ID: {id} cannot be found.",
    "review": "A review with id `{id}` does not exist.",
    "segment": "A segment with id `{id}` does not exist.",
    "source-mapping": "source-mapping with id `{id}` does not exist.",
    "template": "Template with id '{id}' does not exist",
    "template-universal-content": "A universal content with id `{id}` does not exist.",
    "tracking-setting": "Tracking settings for id `{id}` do not exist.",
    "web-feed": "A web feed with id `{id}` does not exist.",
    "webhook": "Not found.",
    "webhook-topic": "Not found.",
}

# An operation and the kind of resource that it does not find.
_UNKNOWN_IN: Mapping[tuple[str, str], Refusal] = {
    **{
        (f"bulk_{verb}_profiles", "list"): Refusal(_NO_LIST, 400, "invalid", INVALID_INPUT, _LIST)
        for verb in ("subscribe", "unsubscribe")
    },
    # That an import answers 400 is users' word; where it points is not known.
    ("bulk_import_profiles", "list"): Refusal(
        _NO_LIST, 400, "invalid", INVALID_INPUT, "/data/relationships/lists/data"
    ),
    ("create_tag", "tag-group"): Refusal(
        "Tag Group with id {id} not found", code="tag_service_error", title="Tag Service Error"
    ),
    **{
        (f"create_{caller}back_in_stock_subscription", "catalog-variant"): Refusal(
            _NO_VARIANT, code="variant_not_found", title=_NO_VARIANT, pointer=_VARIANT
        )
        for caller in ("", "client_")
    },
    ("delete_catalog_category", "catalog-category"): Refusal("No category with ID `{id}` exists."),
    ("delete_catalog_item", "catalog-item"): Refusal("An item with the id `{id}` does not exist."),
    ("delete_catalog_variant", "catalog-variant"): Refusal("A variant with the id `{id}` does not exist."),
    ("create_object_schema", "object-type"): Refusal("object-type with id `{id}` does not exist"),
    ("bulk_delete_object_records", "object-type"): Refusal(_NO_TYPE),
    ("get_records_for_object_type", "object-type"): Refusal(_NO_TYPE),
    ("get_record_ids_for_object_type", "object-type"): Refusal(_NO_TYPE),
    **{
        (name, "object-schema"): Refusal(SERVER_ERROR, 500, "error", SERVER_ERROR, "/data")
        for name in BREAK_ON_UNKNOWN_IDS
    },
}

# What is said of the id, and the pointer.
_MALFORMED: Mapping[str, tuple[str, str]] = {
    "event": ("Invalid Event ID: '{id}'", "/data/id"),
    "mapped-metric": ("'{id}' is not a valid choice for 'id'.", "/data/attributes/id"),
}
