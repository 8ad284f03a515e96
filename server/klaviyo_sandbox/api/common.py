"""Names for shapes that many declarations share."""

from klaviyo_sandbox.shapes import Flag, Text

STRING = Text(nullable=True)
MOMENT = Text(form="moment", nullable=True)
BOOLEAN = Flag(nullable=True)

JULY = "2026-07-15"
"""The revision that some operations answer at: an earlier form of them, or the last document that has them."""
