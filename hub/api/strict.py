"""Routes that know who calls and read JSON strictly before anything else happens."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.alias_generators import to_camel, to_pascal
from pydantic_core import CoreSchema, core_schema

from hub.api.access import authenticate
from hub.api.errors import NotJson
from hub.xapi import json_text
from hub.xapi.words import Pattern


class StrictRoute(APIRoute):
    """A route for callers with a key. Repeated keys, NaN and the like are refused, with the place.

    FastAPI parses the body again, leniently; by then it is known to be sound.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            request.state.caller = await authenticate(request)
            if body := await request.body():
                require_json(request)
                json_text.read(body)
            return await handle(request)

        return strictly


def require_json(request: Request) -> None:
    """Raise NotJson for a body of another media type; without any, it is taken for JSON."""
    written = request.headers.get("content-type", "application/json")
    media_type = written.partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not is_json:
        raise NotJson(f"only application/json is taken here, not {media_type or 'nothing'}")


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class Form(BaseModel):
    """What comes in: camelCase, no unknown keys, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class PascalForm(BaseModel):
    """What comes in where names are PascalCase."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_pascal)


class View(BaseModel):
    """What goes out, in camelCase."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=False
    )


class PascalView(BaseModel):
    """What goes out where names are PascalCase."""

    model_config = ConfigDict(
        alias_generator=to_pascal, validate_by_name=True, validate_by_alias=False
    )


@dataclass(frozen=True)
class Saying:
    """One sentence for whatever is wrong with a value of several kinds."""

    sentence: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source), "wrong_kind", custom_error_message=self.sentence
        )


# No control characters in any of these: they end up in mails, logs and headers.
_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
Line = Annotated[str, Pattern(rf"{_PLAIN}{{1,200}}", "must be one line of 1 to 200 characters")]
Secret = Annotated[
    str, Pattern(rf"{_PLAIN}{{0,4000}}", "must be one line of at most 4000 characters")
]
GivenSecret = Annotated[str, Pattern(rf"{_PLAIN}{{1,4000}}", "must be 1 to 4000 characters")]
Url = Annotated[
    str, Pattern(rf"{_PLAIN}{{1,2048}}", "must be an address of at most 2048 characters")
]
Scope = Annotated[
    str,
    Pattern(
        r"[\x21\x23-\x5b\x5d-\x7e ]{0,1000}",
        "must be names with spaces between them, at most 1000 characters (RFC 6749, 3.3)",
    ),
]
BatchSize = Annotated[int, Field(ge=1, le=1000)]
Concurrency = Annotated[int, Field(ge=1, le=64)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
