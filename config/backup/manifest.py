"""What a backup says of itself: what is in it, from when, and how to know that it is whole."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 1
NAME = "manifest.json"
DATABASE, REDIS, KEYS, LANDING = "hub.sqlite3", "valkey.rdb", "secret-keys", "landing/"


class Part(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    taken_at: datetime


class Manifest(BaseModel):
    """The whole backup."""

    model_config = ConfigDict(frozen=True)

    format: int
    release: str
    valkey: str
    """The version of the server that wrote the snapshot; an older one may not read it."""
    began_at: datetime
    key_ids: tuple[str, ...]
    """The secret keys that it needs, whether they are in it or not."""
    parts: Mapping[str, Part]

    @property
    def has_keys(self) -> bool:
        """Whether the secret keys are in it."""
        return KEYS in self.parts
