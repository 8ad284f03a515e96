"""Web feeds that templates can draw on."""

from klaviyo_mcp.sandbox.declare import Operation, Resource

RESOURCES: tuple[Resource, ...] = ()

OPERATIONS: tuple[Operation, ...] = ()
