"""What is said of a source: of each kind, and of all. Checked when it is saved, and read as it was.

Everything here is JSON in camelCase, the same over HTTP and in the registry; secrets are taken out
before it is kept (`hidden`).
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    model_validator,
)
from pydantic_core import PydanticCustomError

from hub.records.format import Hints, Kind
from hub.xapi.flaw import tag
from hub.xapi.words import Part, Pattern

PLAIN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
LONGEST_INTERVAL = 7 * 86400
FORM = "application/x-www-form-urlencoded"
"""The media type of webhooks that are forms."""

Line = Annotated[str, Pattern(rf"{PLAIN}{{1,200}}", "must be one line of 1 to 200 characters")]
Secret = Annotated[str, Pattern(rf"{PLAIN}{{1,4000}}", "must be one line of 1 to 4000 characters")]
Url = Annotated[
    str, Pattern(rf"{PLAIN}{{1,2048}}", "must be an address of at most 2048 characters")
]
HeaderName = Annotated[
    str, Pattern(r"[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}", "must be the name of a header")
]
Pointer = Annotated[
    str, Pattern(r"(?:/[^\x00-\x1f]{0,200}){0,20}", "must be a JSON pointer, like /result/rows")
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strict=True)]
Seconds = Annotated[int, Field(ge=1, le=LONGEST_INTERVAL)]
Everywhere = Literal["all"]


def _of_type(value: object, key: str) -> object:
    """Read a bare word as what it is short for: `"github"` for `{"scheme": "github"}`."""
    return {key: value} if isinstance(value, str) else value


class Lookup(Part):
    """A table to look up in: the latest file of a source, its records found by a field."""

    source: Name
    key: Name


class Source(Part):
    """What is said of a source of any kind."""

    name: Line
    status: Literal["active", "disabled"] = "active"
    recipe: Name | None = None
    """None: what lands is only kept, as a table for others to look up in."""
    recipe_options: dict[str, object] = Field(default_factory=dict)
    integrations: Everywhere | Annotated[list[Name], Field(max_length=100)] = "all"
    identity: Annotated[list[Name], Field(max_length=20)] = Field(default_factory=list)
    """The fields that name a record; without any, what is made of it names it."""
    lookups: Annotated[dict[Name, Lookup], Field(max_length=10)] = Field(default_factory=dict)
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = 90
    """How long raw bytes are kept after they landed; None keeps them for ever. Of a table, the
    latest file is kept until there is a later one."""


class Reading(Part):
    """How files are to be read; what is not said is found out."""

    format: Literal["csv", "json", "jsonl"] | None = None
    delimiter: Annotated[str, Pattern(r"[^\r\n\"]", "must be one character")] | None = None
    encoding: (
        Annotated[
            str,
            Pattern(
                r"(?i)utf-?8(-sig)?|utf-?16(-?[lb]e)?|windows-?1252|cp-?1252|latin-?1|iso-8859-1|ascii",
                "must be utf-8, utf-16 or windows-1252",
            ),
        ]
        | None
    ) = None
    columns: (
        Annotated[dict[Name, Name], Field(max_length=1000)]
        | Annotated[list[Name], Field(max_length=1000)]
        | None
    ) = None
    """What the recipe calls the columns: by their names, or in order where there are no names."""
    records: Pointer = ""
    """Where in a JSON document the records are."""

    @property
    def hints(self) -> Hints:
        """What is known of a file before anybody has looked."""
        columns = self.columns
        return Hints(
            kind=Kind(self.format) if self.format else None,
            encoding=self.encoding,
            delimiter=self.delimiter,
            names=tuple(columns) if isinstance(columns, list) else None,
            renamed=columns if isinstance(columns, dict) else {},
            pointer=self.records,
        )


class CsvSource(Source, Reading):
    """Files that somebody uploads."""

    kind: Literal["csv"]


class Signature(Part):
    """How a sender of webhooks proves itself.

    `github`, `stripe`, `zoom`, `standard` (standardwebhooks.com) are as these senders do it;
    `hmac` is any other HMAC over the body; `bearer` and `basic` are no signatures at all.
    """

    scheme: Literal["github", "stripe", "zoom", "standard", "hmac", "bearer", "basic"]
    header: HeaderName | None = None
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, StringConstraints(max_length=20, strict=True)] = ""
    timestamp_header: HeaderName | None = None
    signed: Annotated[str, StringConstraints(max_length=200, strict=True)] = "{body}"
    """What is signed; `{timestamp}`, `{id}` and `{body}` stand for theirs."""
    id_header: HeaderName | None = None
    tolerance_seconds: Annotated[int, Field(ge=1, le=86400)] = 300
    username: Name = "webhook"

    @model_validator(mode="after")
    def _is_whole(self) -> "Signature":
        if self.scheme == "hmac":
            if self.header is None:
                raise PydanticCustomError("header", "the scheme hmac needs the name of its header")
            if "{body}" not in self.signed:
                raise PydanticCustomError("signed", "what is signed must hold {{body}}")
            if "{timestamp}" in self.signed and self.timestamp_header is None:
                raise PydanticCustomError("timestamp", "{{timestamp}} needs a timestampHeader")
        return self


class WebhookSource(Source):
    """Somebody posts to us."""

    kind: Literal["webhook"]
    signature: Annotated[Signature, BeforeValidator(lambda value: _of_type(value, "scheme"))]
    secret: Secret
    records: Pointer = ""
    rate_per_second: Annotated[int, Field(ge=1, le=10_000)] = 500


class Auth(Part):
    """How we prove ourselves to an API that is polled; `header`: with a key in its own header."""

    type: Literal["none", "basic", "bearer", "header", "oauth2"] = "none"
    username: Name | None = None
    password: Secret | None = None
    header: HeaderName | None = None
    token: Secret | None = None
    token_url: Url | None = None
    client_id: Name | None = None
    client_secret: Secret | None = None
    scope: Name | None = None
    token_auth: Literal["basic", "body"] = "basic"  # noqa: S105  a way, and no password

    @model_validator(mode="after")
    def _is_whole(self) -> "Auth":
        needed = {
            "none": (),
            "basic": ("username", "password"),
            "bearer": ("token",),
            "header": ("header", "token"),
            "oauth2": ("token_url", "client_id", "client_secret"),
        }[self.type]
        for name in needed:
            if getattr(self, name) is None:
                words = "the type {type} needs {name}"
                raise PydanticCustomError("auth", words, {"type": self.type, "name": name})
        return self


class Paging(Part):
    """How an API gives its answers in pages.

    `link`: the header Link, rel="next". `next`: an address in the body, at `field`. `cursor`: a
    word in the body, at `field`, sent as `parameter`. `page` and `offset` count.
    """

    type: Literal["none", "link", "next", "cursor", "page", "offset"] = "none"
    field: Pointer | None = None
    parameter: Name | None = None
    first: Annotated[int, Field(ge=0)] = 1
    size: Annotated[int, Field(ge=1, le=10_000)] | None = None
    size_parameter: Name | None = None
    most_pages: Annotated[int, Field(ge=1, le=10_000)] = 1000

    @model_validator(mode="after")
    def _is_whole(self) -> "Paging":
        if self.type in ("next", "cursor") and not self.field:
            raise PydanticCustomError("paging", "needs a field, as a JSON pointer into the answer")
        if self.type == "offset" and self.size is None:
            raise PydanticCustomError("paging", "the type offset needs a size")
        return self


class Cursor(Part):
    """The high-water mark: the highest value of a field, asked for from there on."""

    field: Name
    parameter: Name
    overlap_seconds: Annotated[int, Field(ge=0, le=30 * 86400)] = 0
    initial: Annotated[str, StringConstraints(max_length=200, strict=True)] | None = None


class PollSource(Source, Reading):
    """An API that we ask."""

    kind: Literal["poll"]
    url: Url
    interval_seconds: Seconds = 300
    requests_per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    """How many pages are asked for at most; None: as fast as they come."""
    headers: Annotated[dict[HeaderName, Line], Field(max_length=20)] = Field(default_factory=dict)
    auth: Annotated[Auth, BeforeValidator(lambda value: _of_type(value, "type"))] = Auth()
    paging: Annotated[Paging, BeforeValidator(lambda value: _of_type(value, "type"))] = Paging()
    cursor: Cursor | None = None


class BucketSource(Source, Reading):
    """Objects that somebody puts into a bucket or a folder."""

    kind: Literal["bucket"]
    url: Annotated[
        str,
        Pattern(r"s3://[a-z0-9][a-z0-9.-]{1,62}|file:///[^\x00-\x1f]*", "must be s3://bucket"),
    ]
    prefix: Annotated[str, StringConstraints(max_length=1000, strict=True)] = ""
    endpoint: Url | None = None
    region: Name | None = None
    access_key_id: Name | None = None
    secret_access_key: Secret | None = None
    interval_seconds: Seconds = 300
    secret: Secret | None = None
    """What the sender of event notifications proves itself with, as a bearer token or password."""
    topic_arn: (
        Annotated[
            str,
            Pattern(
                r"arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]{1,40}:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?",
                "must be the ARN of a topic, like arn:aws:sns:eu-central-1:123456789012:exports",
            ),
        ]
        | None
    ) = None
    """The topic of Amazon SNS whose subscription is confirmed."""


def _kind_of(value: object) -> str | None:
    found = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return tag(found) if isinstance(found, str) else None


AnySource = WebhookSource | PollSource | CsvSource | BucketSource
GivenSource = Annotated[
    Annotated[WebhookSource, Tag(tag("webhook"))]
    | Annotated[PollSource, Tag(tag("poll"))]
    | Annotated[CsvSource, Tag(tag("csv"))]
    | Annotated[BucketSource, Tag(tag("bucket"))],
    Discriminator(
        _kind_of,
        custom_error_type="kind",
        custom_error_message="must have a kind: webhook, poll, csv or bucket",
    ),
]
READ: TypeAdapter[AnySource] = TypeAdapter(GivenSource)
