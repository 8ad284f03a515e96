"""The catalogue, loaded once for all tests of a process. Nothing changes it; a copy takes 40 MB and half a second."""

from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry

CATALOGUE = tuple(load_catalogue())
REGISTRY = Registry(CATALOGUE)
