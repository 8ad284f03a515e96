"""What DBOS is given of ours: how it writes what it keeps, and how it speaks."""

import json
import logging
from typing import Any

from dbos._serialization import Serializer

from klaviyo_mcp.loose_json import is_object


class AsJson(Serializer):
    """What DBOS keeps is JSON: a pickle would run whatever somebody has written into the database."""

    def serialize(self, data: Any) -> str:
        """Errors as their text: steps raise none but those that end a run."""
        return json.dumps(data, default=lambda value: {"$error": f"{type(value).__name__}: {value}"})

    def deserialize(self, serialized_data: str) -> Any:
        """What was serialized; an error is one again."""
        value = json.loads(serialized_data)
        return RuntimeError(value["$error"]) if is_object(value) and "$error" in value else value

    def name(self) -> str:
        """What the database calls it."""
        return "klaviyo_json"


def quiet() -> None:
    """DBOS speaks through our logging, and not by a handler of its own; values of rows could stand in a traceback."""
    logger = logging.getLogger("dbos")
    logger.addHandler(logging.NullHandler())
    logger.addFilter(_without_traceback)
    logger.propagate = True


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True
