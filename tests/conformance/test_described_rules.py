"""Every rule of Klaviyo's texts stands where `described_rules.yaml` says, or is left out with a reason."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.catalogue import CATALOGUE

from klaviyo_mcp.actions.rules import RULES
from klaviyo_mcp.authoring.precondition_check import leads_somewhere
from klaviyo_mcp.registry.precondition import LIVE

SPECS = {spec.name: spec for spec in CATALOGUE}
DESCRIBED: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "described_rules.yaml").read_text("utf-8"))


@pytest.mark.parametrize("entry", DESCRIBED, ids=lambda entry: f"{entry['actions'][0]}: {entry['rule']}")
def test_a_rule_stands_where_it_is_said_to(entry: dict[str, Any]) -> None:
    for name in entry["actions"]:
        spec = SPECS[name]
        if entry["stands"] == "no":
            assert entry["why"]
        elif entry["stands"] == "schema":
            assert leads_somewhere(entry["argument"], spec.input_schema)
        else:
            assert entry["stands"] in {*RULES, *LIVE}
            rules = [rule for rule in spec.preconditions if rule.kind == entry["stands"]]
            argument = entry.get("argument")
            # A rule that reads the account need not speak of an argument: it may be about the account alone.
            assert any(argument in rule.places or rule.is_live for rule in rules), name
