"""The small words statements are made of: IRIs, UUIDs, times, language tags.

Each is checked as the text it is and stays text: what was sent is what will be delivered.
Sources: xAPI 1.0.3 Part Two, 2.4 and 4; IEEE 9274.1.1; RFC 3987, RFC 4122, RFC 5646, ISO 8601.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MAILBOX = r"[^\s\x00-\x1f\x7f@<>]+@[^\s\x00-\x1f\x7f@<>]+"
UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
NUMBER = r"\d+(?:[.,]\d+(?=[A-Z]$))?"
DURATION = re.compile(
    rf"P(?:{NUMBER}W|(?=.)(?:{NUMBER}Y)?(?:{NUMBER}M)?(?:{NUMBER}D)?"
    rf"(?:T(?=\d)(?:{NUMBER}H)?(?:{NUMBER}M)?(?:{NUMBER}S)?)?)",
    re.ASCII,
)
TIMESTAMP = re.compile(
    r"\d{4}-?\d\d-?\d\d[Tt]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Pattern:
    """A text of one form, with the sentence for those that have another."""

    regex: str
    sentence: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        text = core_schema.str_schema(strict=True, pattern=rf"\A(?:{self.regex})\z")
        return core_schema.custom_error_schema(
            text, "wrong_form", custom_error_message=self.sentence
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # JSON Schema speaks the regular expressions of ECMA-262, which know no \A and no \z.
        return handler(schema) | {"pattern": f"^(?:{self.regex})$"}


class Part(BaseModel):
    """A part of a statement: no unknown keys, no conversions, camelCase outside."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, allow_inf_nan=False
    )


def _is_timestamp(text: str) -> str:
    if text.endswith(("-00:00", "-0000", "-00")) and "t" in text.lower():
        raise PydanticCustomError("timestamp", "must not have the offset -00:00")
    try:
        # Beyond microseconds fromisoformat cuts off, and with a lower-case zone it gives up.
        datetime.fromisoformat(text.upper())
    except ValueError:
        valid = False
    else:
        valid = TIMESTAMP.fullmatch(text) is not None
    if not valid:
        raise PydanticCustomError(
            "timestamp", "must be a date with a time as in ISO 8601, like 2022-08-26T09:14:32.577Z"
        )
    return text


def _is_duration(text: str) -> str:
    if not DURATION.fullmatch(text):
        raise PydanticCustomError("duration", "must be an ISO 8601 duration, like PT1H30M")
    return text


Iri = Annotated[
    str,
    Pattern(
        r'[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>"{}|\\^`]+',
        "must be an IRI with a scheme, like https://example.org/course",
    ),
]
Uuid = Annotated[str, Pattern(UUID, "must be a UUID, like 7c4ab3a5-63c5-4d51-8a1b-1d2a4d1f2f7e")]
Mailto = Annotated[
    str,
    Pattern(
        f"mailto:{MAILBOX}",
        "must be a mailto IRI, like mailto:ann@example.org",
    ),
]
Sha1Sum = Annotated[str, Pattern(r"[0-9a-fA-F]{40}", "must be 40 hexadecimal digits")]
Sha2Sum = Annotated[
    str, Pattern(r"[0-9a-fA-F]{56,128}", "must be a SHA-2 sum in hexadecimal digits")
]
LanguageTag = Annotated[
    str,
    Pattern(
        r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", "must be a language tag (RFC 5646), like en-GB"
    ),
]
MediaType = Annotated[
    str,
    Pattern(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+(?:\s*;.*)?", "must be a media type, like text/plain"),
]
VerbName = Annotated[str, Pattern(r"[a-z]+(?:-[a-z]+)*", "must be a verb of ADL, like completed")]
Version = Annotated[str, Pattern(r"(?:1|2)\.0\.[0-9]+", "must be 1.0.x or 2.0.x")]
Timestamp = Annotated[str, Field(strict=True), AfterValidator(_is_timestamp)]
Duration = Annotated[str, Field(strict=True), AfterValidator(_is_duration)]
LanguageMap = dict[LanguageTag, str]
Extensions = dict[Iri, object]
