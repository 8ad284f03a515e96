"""Actions as tools for models: which are listed and how, the tools beside them, calls of either; no protocol."""
