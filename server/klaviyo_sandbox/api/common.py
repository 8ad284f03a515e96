"""Names for shapes that many declarations share."""

from klaviyo_sandbox.shapes import Flag, Text

STRING = Text(nullable=True)
MOMENT = Text(form="moment", nullable=True)
BOOLEAN = Flag(nullable=True)
