"""Features that Klaviyo enables for some accounts only, and how it refuses them to the others."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from klaviyo_sandbox.declare import Operation
from klaviyo_sandbox.errors import ApiError, forbidden, permission_denied


class UnknownFeature(ValueError):
    """A feature that the sandbox does not know; the message names those that it does."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What an account may lack.

    refused: the error of operations that declare the feature as their entitlement; None where it only changes what
        other operations do
    open_to_apps: whether OAuth apps have it on every account
    """

    refused: Callable[[str], ApiError] | None = None
    detail: str = ""
    open_to_apps: bool = False


FEATURES: Mapping[str, Feature] = {
    "conversations": Feature(permission_denied, "You must have Conversations enabled to use this endpoint."),
    # An account without Advanced KDP may have one custom metric.
    "custom-metrics": Feature(),
    "object-types": Feature(forbidden, "Entitlement to create object type not found."),
    "push": Feature(forbidden, "Company is not able to process push tokens"),
    # Without it the account has no number to send text messages from.
    "sms": Feature(),
    "webhooks": Feature(
        permission_denied, "You must have Advanced KDP enabled to use this endpoint.", open_to_apps=True
    ),
}


def known(names: Collection[str]) -> frozenset[str]:
    """The features of these names. Raises UnknownFeature."""
    for name in names:
        if name not in FEATURES:
            raise UnknownFeature(f"{name!r} is no feature that an account may lack. There are: {', '.join(FEATURES)}.")
    return frozenset(names)


def check_entitlement(app: str, operation: Operation, without: Collection[str]) -> None:
    """Refuse an operation of a feature that the accounts lack to a key or to an OAuth `app`. Raises ApiError (403)."""
    if operation.entitlement not in without:
        return
    feature = FEATURES[operation.entitlement]
    if feature.refused is not None and not (app and feature.open_to_apps):
        raise feature.refused(feature.detail)
