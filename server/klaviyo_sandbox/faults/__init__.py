"""Faults on purpose: how they are declared and drawn, and how they strike."""
