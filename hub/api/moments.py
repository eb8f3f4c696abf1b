"""Times in forms: ISO 8601 with Z or an offset, for one without means something else to each."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from hub.events.fields import moment


def _read(value: object) -> datetime:
    found = moment(value)
    if found is None:
        raise PydanticCustomError(
            "moment", "must be a time with Z or an offset, like 2026-03-02T09:00:00Z"
        )
    return found


GivenMoment = Annotated[datetime, BeforeValidator(_read, json_schema_input_type=str)]
