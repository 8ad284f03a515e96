"""Object types, schemas, data sources, mappings and records."""

from klaviyo_mcp.sandbox.declare import Operation, Resource

RESOURCES: tuple[Resource, ...] = ()

OPERATIONS: tuple[Operation, ...] = ()
