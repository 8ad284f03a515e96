"""What can have become of a call that failed: for people in words, for programs whether it was sent, and changed."""

from dataclasses import dataclass

from klaviyo_mcp.klaviyo.errors import RequestOutcome
from klaviyo_mcp.loose_json import JSON


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a call, in a sentence, and whether anything was `sent` to Klaviyo and `changed` there.

    None where that is not known; of `sent` also where only reads were sent.
    """

    says: str
    sent: bool | None
    changed: bool | None

    def as_data(self) -> JSON:
        """The parts of an error that say so; what is not known is left out."""
        known = {"sent": self.sent, "changed": self.changed}
        return {"outcome": self.says, **{name: value for name, value in known.items() if value is not None}}


def fate_of(error: JSON) -> Fate:
    """What an error says."""
    return Fate(str(error.get("outcome", NOT_KNOWN.says)), error.get("sent"), error.get("changed"))


BY_OUTCOME = {
    RequestOutcome.NOT_SENT: Fate("Nothing was sent to Klaviyo.", sent=False, changed=False),
    RequestOutcome.SENT_IN_PART: Fate(
        "The request did not leave this machine whole, so Klaviyo cannot have carried it out; nothing was changed.",
        sent=True,
        changed=False,
    ),
    RequestOutcome.REFUSED: Fate("Klaviyo refused the request; nothing was changed.", sent=True, changed=False),
    RequestOutcome.UNKNOWN: Fate(
        "The request was sent and it is not known whether Klaviyo carried it out.", sent=True, changed=None
    ),
    RequestOutcome.DONE: Fate("Klaviyo carried out the request.", sent=True, changed=True),
}
NOT_SENT = BY_OUTCOME[RequestOutcome.NOT_SENT]
REFUSED_LATER = Fate(
    "The request was sent more than once, and it is not known whether Klaviyo carried out an earlier one; the last "
    "was refused, as the message says.",
    sent=True,
    changed=None,
)
DONE_IN_PART = Fate("Some of the work had been done before this; see done_so_far.", sent=True, changed=True)
NOTHING_CHANGED = Fate("Nothing was changed in Klaviyo.", sent=None, changed=False)
NOT_KNOWN = Fate("It is not known whether anything was sent to Klaviyo.", sent=None, changed=None)
