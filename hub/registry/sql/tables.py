"""The tables of the registry. What they mean is told where each noun lives; this is only SQL."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import JsonValue
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from typing_extensions import override

SerialId = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only in a column that is exactly INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, in UTC both ways, also where the database forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    @override
    def python_type(self) -> type[datetime]:
        return datetime

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value.isoformat()}")
        return value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Strings(TypeDecorator[tuple[str, ...]]):
    """A few short strings, kept as a JSON array."""

    impl = JSON
    cache_ok = True

    @override
    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> list[str] | None:
        return None if value is None else list(value)

    @override
    def process_result_value(
        self, value: Sequence[str] | None, dialect: Dialect
    ) -> tuple[str, ...] | None:
        return None if value is None else tuple(value)


class Row(DeclarativeBase):
    """A row of any table; constraints have fixed names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012  SQLAlchemy's own class attribute


class HouseSecretRow(Row):
    """A secret of the hub's own."""

    __tablename__ = "house_secrets"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)


class ProgramRow(Row):
    """A program."""

    __tablename__ = "programs"

    id: Mapped[str] = mapped_column(String(25), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    lb_api_url: Mapped[str | None] = mapped_column(Text)
    lb_api_key: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    technical_emails: Mapped[tuple[str, ...]] = mapped_column(Strings, server_default="[]")
    nightly_at: Mapped[str | None] = mapped_column(String(5))
    nightly_zone: Mapped[str | None] = mapped_column(String(64))
    next_sync_at: Mapped[datetime | None] = mapped_column(index=True)


class ApiKeyRow(Row):
    """An API key; of its text only a keyed hash is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "user_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    system: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    rights: Mapped[list["ApiKeyRightRow"]] = relationship(lazy="selectin")


class ApiKeyRightRow(Row):
    """What a key may do with one program."""

    __tablename__ = "api_key_rights"
    __table_args__ = (
        CheckConstraint("access IN ('read', 'write')", name="access"),
        Index(None, "program_id"),
    )

    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    access: Mapped[str] = mapped_column(String(5))


class ProviderRow(Row):
    """A provider."""

    __tablename__ = "providers"
    __table_args__ = (CheckConstraint("status IN ('active', 'disabled')", name="status"),)

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(10))
    object_id: Mapped[str] = mapped_column(String(10))
    object_id_template: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(String(10))
    account_home_page: Mapped[str | None] = mapped_column(Text)
    verbs: Mapped[tuple[str, ...]] = mapped_column(Strings)
    xapi_version: Mapped[str] = mapped_column(String(20))
    batch_size: Mapped[int]
    concurrency: Mapped[int]
    token_auth: Mapped[str] = mapped_column(String(10))
    scope: Mapped[str | None] = mapped_column(Text)
    token_parameters: Mapped[dict[str, str]] = mapped_column(JSON)


class IntegrationRow(Row):
    """An integration; both secrets are sealed."""

    __tablename__ = "integrations"
    __table_args__ = (
        UniqueConstraint("program_id", "provider"),
        Index(None, "program_id", "created_at", "id"),
        Index(None, "provider"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    provider: Mapped[str] = mapped_column(ForeignKey("providers.id"))
    name: Mapped[str] = mapped_column(Text)
    technical_emails: Mapped[tuple[str, ...]] = mapped_column(Strings)
    statement_url: Mapped[str] = mapped_column(Text)
    authentication_url: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    client_secret: Mapped[str] = mapped_column(Text)
    refresh_token: Mapped[str | None] = mapped_column(Text)
    batch_size: Mapped[int | None]
    concurrency: Mapped[int | None]
    scope: Mapped[str | None] = mapped_column(Text)
    enabled: Mapped[bool]
    version: Mapped[int]
    revision: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleting_at: Mapped[datetime | None]


class AuditRow(Row):
    """One change, by whom and when."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "at", "id"),
        Index(None, "by", "at", "id"),
        Index(None, "kind", "at", "id"),
        Index(None, "program_id", "at", "id"),
        Index(None, "subject", "at", "id"),
    )

    id: Mapped[int] = mapped_column(SerialId, primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(200))
    program_id: Mapped[str | None] = mapped_column(String(25))
    changes: Mapped[dict[str, JsonValue]] = mapped_column(JSON)


class EventClockRow(Row):
    """The one row whose lock puts all writers of events in an order, and the last moment given."""

    __tablename__ = "event_clock"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last_micros: Mapped[int] = mapped_column(BigInteger)


class EventRow(Row):
    """An event. `created_at` is unique and grows in the order in which events were committed."""

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "publisher_program_id", "created_at", unique=True),
        Index(None, "publisher_program_id", "category_value", "created_at"),
        Index(None, "publisher_program_id", "event_type", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(154), primary_key=True)
    publisher_program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    publisher_system_id: Mapped[str | None] = mapped_column(String(25))
    publisher_event_id: Mapped[str | None] = mapped_column(String(200))
    publisher_participant_id: Mapped[str] = mapped_column(String(200))
    event_type: Mapped[str] = mapped_column(String(50))
    category_value: Mapped[str | None] = mapped_column(String(200))
    category_label: Mapped[str | None] = mapped_column(String(200))
    event_data: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SubscriptionRow(Row):
    """A subscription; `last_sync_at` is its cursor."""

    __tablename__ = "subscriptions"
    __table_args__ = (Index(None, "publisher_program_id"),)

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    publisher_program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    created_at: Mapped[datetime]
    last_sync_at: Mapped[datetime | None]
    sync_enabled: Mapped[bool]
    template: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]


class LeaseRow(Row):
    """The right to do something alone for a while."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    token: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime]


class SyncRow(Row):
    """One run of a sync."""

    __tablename__ = "syncs"
    __table_args__ = (
        CheckConstraint("trigger IN ('call', 'nightly')", name="trigger"),
        CheckConstraint("state IN ('running', 'succeeded', 'failed', 'cut_short')", name="state"),
        Index(None, "program_id", "started_at", "id"),
        Index(None, "state"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    trigger: Mapped[str] = mapped_column(String(10))
    by: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    events: Mapped[int]
    ignored: Mapped[int]
    errors: Mapped[list[JsonValue]] = mapped_column(JSON)


class SyncBatchRow(Row):
    """One CreateBatch call; written down before it is made, and again when it is answered."""

    __tablename__ = "sync_batches"
    __table_args__ = (
        CheckConstraint(
            "state IN ('sending', 'accepted', 'refused', 'unknown', 'unreached', 'abandoned')",
            name="state",
        ),
        Index(None, "sync_id", "id"),
        Index(None, "program_id", "publisher_program_id", "last_event_at"),
    )

    id: Mapped[int] = mapped_column(SerialId, primary_key=True)
    sync_id: Mapped[str] = mapped_column(ForeignKey("syncs.id"))
    program_id: Mapped[str] = mapped_column(String(25))
    publisher_program_id: Mapped[str] = mapped_column(String(25))
    import_process_id: Mapped[str] = mapped_column(String(100))
    file_name: Mapped[str] = mapped_column(Text)
    first_event_at: Mapped[datetime]
    last_event_at: Mapped[datetime]
    event_moments: Mapped[list[int] | None] = mapped_column(JSON)
    rows: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    repeated: Mapped[bool]
    status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Text)
    queue_batch_id: Mapped[str | None] = mapped_column(Text)
    queue_batch_details: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class EventCompletionsRow(Row):
    """How a program's events become completions, and how far that has got."""

    __tablename__ = "event_completions"

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    template: Mapped[str] = mapped_column(Text)
    through: Mapped[datetime]
    revision: Mapped[int]
    changed_at: Mapped[datetime]


class EventCompletionFailureRow(Row):
    """An event that could not be made into a completion; tried again when the template changes."""

    __tablename__ = "event_completion_failures"
    __table_args__ = (
        Index(None, "program_id", "event_created_at"),
        Index("ix_event_completion_failures_due", "program_id", "revision", "event_created_at"),
    )

    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(154), primary_key=True)
    event_created_at: Mapped[datetime]
    revision: Mapped[int]
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class NoticeRow(Row):
    """Something a program's contacts are to be told; kept until a mail that tells it was taken."""

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("program_id", "kind", "about"),)

    id: Mapped[int] = mapped_column(SerialId, primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    kind: Mapped[str] = mapped_column(String(20))
    about: Mapped[str] = mapped_column(String(200))
    words: Mapped[str] = mapped_column(Text)
    noted_at: Mapped[datetime]


class ProgramMailRow(Row):
    """A mail that went to a program's contacts."""

    __tablename__ = "program_mails"
    __table_args__ = (Index(None, "program_id", "at"),)

    id: Mapped[int] = mapped_column(SerialId, primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    at: Mapped[datetime]
    recipients: Mapped[tuple[str, ...]] = mapped_column(Strings)
    subject: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)


class SourceRow(Row):
    """A source of raw records. `settings` holds no secrets; those are sealed together.

    `cursor` and what follows say how far a source that is asked has got; what landed before
    `swept_to` is swept.
    """

    __tablename__ = "sources"
    __table_args__ = (
        CheckConstraint("kind IN ('webhook', 'poll', 'csv', 'bucket')", name="kind"),
        Index(None, "program_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("programs.id"))
    kind: Mapped[str] = mapped_column(String(10))
    settings: Mapped[dict[str, JsonValue]] = mapped_column(JSON)
    secrets: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None] = mapped_column(index=True)
    cursor: Mapped[str | None] = mapped_column(Text)
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    asked_at: Mapped[datetime | None]
    trouble: Mapped[str | None] = mapped_column(Text)
    swept_to: Mapped[datetime | None]


class SourceFileRow(Row):
    """A landed file, and what has become of it.

    `proof` is a digest of the signature it came with; `claimed_until` and `claim` belong to
    whoever cuts it up now.
    """

    __tablename__ = "source_files"
    __table_args__ = (
        CheckConstraint("state IN ('landed', 'running', 'done', 'failed')", name="state"),
        UniqueConstraint("source_id", "sha256"),
        UniqueConstraint("source_id", "proof"),
        Index(None, "source_id", "landed_at", "id"),
        Index(
            None,
            "source_id",
            "cut_at",
            sqlite_where=text("cut_at IS NOT NULL"),
            postgresql_where=text("cut_at IS NOT NULL"),
        ),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    proof: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, JsonValue]] = mapped_column(JSON)
    landed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10))
    generation: Mapped[int]
    form: Mapped[str | None] = mapped_column(Text)
    unpacked: Mapped[bool]
    cut_at: Mapped[datetime | None]
    claim: Mapped[int]
    cut_through: Mapped[int] = mapped_column(BigInteger)
    next_line: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int]
    statements: Mapped[int]
    added: Mapped[int]
    skipped: Mapped[int]
    failed: Mapped[int]
    skips: Mapped[dict[str, JsonValue]] = mapped_column(JSON)
    trouble: Mapped[str | None] = mapped_column(Text)
    waits_for: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]


class FileChunkRow(Row):
    """A part of a landed file that is still to be made into statements.

    `source_id` is empty where the version before this one wrote the row.
    """

    __tablename__ = "file_chunks"
    __table_args__ = (Index(None, "source_id", "due_at", "id"), Index(None, "file_id"))

    id: Mapped[int] = mapped_column(SerialId, primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("source_files.id"))
    source_id: Mapped[str] = mapped_column(String(36), server_default="")
    start: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    line: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime]
    claim: Mapped[int]


class RecordFaultRow(Row):
    """A record of a file that made no statement; of each file the first are kept."""

    __tablename__ = "record_faults"
    __table_args__ = (Index(None, "file_id", "line", "id"),)

    id: Mapped[int] = mapped_column(SerialId, primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("source_files.id"))
    line: Mapped[int] = mapped_column(BigInteger)
    field: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)


class BucketObjectRow(Row):
    """An object of a bucket that has landed; `name` is a digest of its key and its etag."""

    __tablename__ = "bucket_objects"

    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime]
