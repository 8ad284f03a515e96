"""Push tokens of the devices people use."""

from klaviyo_mcp.sandbox.declare import Operation, Resource

RESOURCES: tuple[Resource, ...] = ()

OPERATIONS: tuple[Operation, ...] = ()
