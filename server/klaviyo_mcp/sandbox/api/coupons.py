"""Coupons and their codes, one by one and in bulk."""

from klaviyo_mcp.sandbox.declare import Operation, Resource

RESOURCES: tuple[Resource, ...] = ()

OPERATIONS: tuple[Operation, ...] = ()
