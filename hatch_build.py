"""Compiles `tool_specs/` into `klaviyo_mcp/catalogue.json` while a wheel is built.

An editable install reads the YAML of its checkout, so nothing is compiled for it.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileCatalogue(BuildHookInterface):
    """Adds the compiled catalogue to the wheel, from a temporary file: the source tree stays as it was."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; `version` is `standard` or `editable`."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root / "server"))
        try:
            from klaviyo_mcp.registry.loading import compile_catalogue
        finally:
            sys.path.pop(0)
        self._folder = tempfile.TemporaryDirectory(prefix="klaviyo-mcp-")
        catalogue = Path(self._folder.name) / "catalogue.json"
        catalogue.write_bytes(compile_catalogue(root / "tool_specs"))
        build_data["force_include"][str(catalogue)] = "klaviyo_mcp/catalogue.json"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling when the wheel is written."""
        if version != "editable":
            self._folder.cleanup()
