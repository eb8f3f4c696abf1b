"""What the environment may say, and what holds when it is silent.

The only module that knows the names `HUB_*`: each field carries its own. A setting comes from the
environment, else from the file that `HUB_ENV_FILE` names (or `.env`), else from the default here.
A name that starts with HUB_ and is not known is an error, because it is a typing mistake that
would otherwise be noticed when it matters.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
)
from pydantic_core import ErrorDetails

from config.errors import BadSettings

PREFIX = "HUB_"
ENV_FILE = "HUB_ENV_FILE"

REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "redis+sentinel://")
DATABASE_SCHEMES = ("postgresql://", "postgresql+psycopg://", "sqlite://", "sqlite+aiosqlite://")
SHORTEST_SECRET = 32
Network = IPv4Network | IPv6Network


def _one_of(schemes: tuple[str, ...]) -> AfterValidator:
    def check(url: str) -> str:
        if not url.startswith(schemes):
            raise ValueError(f"must start with one of {', '.join(schemes)}")
        return url

    return AfterValidator(check)


def _span(unit: timedelta, *, or_none: bool = False) -> BeforeValidator:
    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        number = float(value) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value) else 0
        if not number and not (or_none and value in ("0", "0.0")):
            raise ValueError(f"must be a number above 0{', or 0' if or_none else ''}")
        return number * unit

    return BeforeValidator(read)


def _parts(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _networks(value: object) -> object:
    parts = _parts(value)
    if not isinstance(parts, tuple):
        return value
    return tuple(ip_network(part) if isinstance(part, str) else part for part in parts)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _long_enough(keys: tuple[str, ...]) -> tuple[str, ...]:
    if not keys:
        raise ValueError("must hold at least one key")
    if any(len(key) < SHORTEST_SECRET for key in keys):
        raise ValueError(f"each key must have at least {SHORTEST_SECRET} characters")
    return keys


def _web_address(url: str) -> str:
    return url.rstrip("/")


def _own_address(so_far: dict[str, object]) -> str:
    host = str(so_far["host"])
    shown = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{so_far['port']}"


Seconds = Annotated[timedelta, _span(timedelta(seconds=1)), Field(gt=timedelta(0))]
Days = Annotated[timedelta, _span(timedelta(days=1)), Field(gt=timedelta(0))]
DaysOrNone = Annotated[timedelta, _span(timedelta(days=1), or_none=True), Field(ge=timedelta(0))]
MailAddress = Annotated[str, Field(pattern=r"^[^\r\n]+@[^\r\n]+$")]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
SecretKeys = Annotated[tuple[str, ...], BeforeValidator(_parts), AfterValidator(_long_enough)]
Folder = Annotated[Path, AfterValidator(_absolute)]
RedisUrl = Annotated[str, _one_of(REDIS_SCHEMES)]
DatabaseUrl = Annotated[str, _one_of(DATABASE_SCHEMES)]
LandingUrl = Annotated[str, _one_of(("file:///", "s3://"))]
SmtpUrl = Annotated[str, _one_of(("smtp://", "smtps://"))]
WebUrl = Annotated[str, _one_of(("http://", "https://")), AfterValidator(_web_address)]
Lowercase = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)


class Settings(BaseModel):
    """Everything the house is told from outside. What may hold a secret stays out of `repr`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_by_alias=True,
        validate_by_name=True,
        validate_default=True,
    )

    data_dir: Folder = Field(Path("data"), alias="HUB_DATA_DIR")
    host: str = Field("127.0.0.1", alias="HUB_HOST")
    port: int = Field(8080, alias="HUB_PORT", ge=1, le=65535)
    redis_url: RedisUrl | None = Field(None, alias="HUB_REDIS_URL", repr=False)
    database_url: DatabaseUrl = Field(
        default_factory=lambda so_far: f"sqlite:///{so_far['data_dir']}/hub.sqlite3",
        alias="HUB_DATABASE_URL",
        repr=False,
    )
    landing_url: LandingUrl = Field(
        default_factory=lambda so_far: f"file://{so_far['data_dir']}/landing",
        alias="HUB_LANDING_URL",
    )
    s3_endpoint: WebUrl | None = Field(None, alias="HUB_S3_ENDPOINT")
    secret_keys: SecretKeys | None = Field(None, alias="HUB_SECRET_KEYS", repr=False)
    secret_keys_file: Folder | None = Field(None, alias="HUB_SECRET_KEYS_FILE")
    smtp_url: SmtpUrl | None = Field(None, alias="HUB_SMTP_URL", repr=False)
    mail_from: MailAddress = Field("learning-hub@localhost", alias="HUB_MAIL_FROM")
    url: WebUrl | None = Field(None, alias="HUB_URL")
    api_key: Annotated[str, Field(min_length=1)] | None = Field(
        None, alias="HUB_API_KEY", repr=False
    )
    public_url: WebUrl = Field(default_factory=_own_address, alias="HUB_PUBLIC_URL")
    heartbeat: Seconds = Field(timedelta(seconds=60), alias="HUB_HEARTBEAT_SECONDS")
    alert_interval: Seconds = Field(timedelta(days=1), alias="HUB_ALERT_INTERVAL_SECONDS")
    request_timeout: Seconds = Field(timedelta(seconds=30), alias="HUB_REQUEST_TIMEOUT_SECONDS")
    egress_allow: Networks = Field((), alias="HUB_EGRESS_ALLOW")
    worker_processes: PositiveInt = Field(
        default_factory=lambda: os.cpu_count() or 1, alias="HUB_WORKER_PROCESSES"
    )
    worker_threads: PositiveInt = Field(32, alias="HUB_WORKER_THREADS")
    receipt_age: Days = Field(timedelta(days=7), alias="HUB_RECEIPT_DAYS")
    archive_age: DaysOrNone = Field(
        default_factory=lambda so_far: so_far["receipt_age"], alias="HUB_ARCHIVE_DAYS"
    )
    max_body_bytes: PositiveInt = Field(5 * 1024 * 1024, alias="HUB_MAX_BODY_BYTES")
    max_batch: PositiveInt = Field(1000, alias="HUB_MAX_BATCH")
    max_queue: PositiveInt = Field(10_000_000, alias="HUB_MAX_QUEUE")
    max_file_bytes: PositiveInt = Field(10 * 1024 * 1024 * 1024, alias="HUB_MAX_FILE_BYTES")
    recipes_dir: Folder | None = Field(None, alias="HUB_RECIPES_DIR")
    bucket_folders: Annotated[tuple[str, ...], BeforeValidator(_parts)] = Field(
        (), alias="HUB_BUCKET_FOLDERS"
    )
    log_format: Annotated[Literal["console", "json"], Lowercase] | None = Field(
        None, alias="HUB_LOG_FORMAT"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lowercase] = Field(
        "info", alias="HUB_LOG_LEVEL"
    )
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, alias="HUB_METRICS_PORT"
    )
    otlp_endpoint: WebUrl | None = Field(None, alias="HUB_OTLP_ENDPOINT")

    @property
    def embedded(self) -> bool:
        """Nothing but the data folder is used, so that secrets may live there too."""
        return self.redis_url is None and "database_url" not in self.model_fields_set

    @property
    def keeps_files(self) -> bool:
        """The data folder is used for something that a start needs."""
        return self.redis_url is None or "database_url" not in self.model_fields_set


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; what is wrong is listed whole, by its name in the environment."""
    # An empty value means unset: compose files and unit files cannot leave a name out.
    said = {
        name: value.strip()
        for name, value in {**_file(environ), **environ}.items()
        if name.startswith(PREFIX) and name != ENV_FILE and value.strip()
    }
    faults = _secrets_missing(said)
    try:
        settings = Settings.model_validate(said, by_alias=True, by_name=False)
    except ValidationError as wrong:
        faults += [_sentence(fault) for fault in wrong.errors() if fault["loc"][0] in said]
    else:
        if not faults:
            return settings
    raise BadSettings(faults)


def _secrets_missing(said: Mapping[str, str]) -> list[str]:
    # Keys made on one machine could not open what another machine reads from a shared database.
    shared = [name for name in ("HUB_REDIS_URL", "HUB_DATABASE_URL") if name in said]
    given = [name for name in ("HUB_SECRET_KEYS", "HUB_SECRET_KEYS_FILE") if name in said]
    if len(given) > 1:
        return ["HUB_SECRET_KEYS_FILE: cannot be set beside HUB_SECRET_KEYS"]
    if not shared or given:
        return []
    return [f"HUB_SECRET_KEYS: required because {' and '.join(shared)} is set"]


def _file(environ: Mapping[str, str]) -> dict[str, str]:
    named = environ.get(ENV_FILE)
    path = Path(named or ".env")
    if named and not path.is_file():
        raise BadSettings([f"{ENV_FILE}: there is no file {named}"])
    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


def _sentence(fault: ErrorDetails) -> str:
    text = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return f"{fault['loc'][0]}: there is no setting of this name"
    return f"{fault['loc'][0]}: {text[0].lower()}{text[1:]}"
