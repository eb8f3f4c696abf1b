"""The hub's own secrets: the keys that customers' secrets are encrypted with.

They come from `HUB_SECRET_KEYS`, or from a file, newest first: the one that `HUB_SECRET_KEYS_FILE`
names, or (embedded) `secret-keys` in the data folder, made on the first start and readable by its
owner only. A file is read again when it has changed. Lose the keys, and every stored client secret
is lost: back them up apart from the database.
"""

import hmac
import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import BadSettings
from config.private_file import create_private, replace_private
from config.settings import Settings

FILE = "secret-keys"


class KeyFile:
    """Keys in a file, one on a line or with commas between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> tuple[str, ...]:
        """Give the keys. Raises BadSettings if there are none."""
        try:
            self._seen = self._stamp()
            keys = tuple(self.path.read_text().replace(",", " ").split())
        except OSError as error:
            raise BadSettings([f"{self.path} cannot be read: {error.strerror}"]) from None
        if not keys:
            # A new key would open nothing that the lost one has sealed: let a person decide.
            raise BadSettings([f"{self.path} is empty; put back the key that was there"])
        return keys

    def newer(self) -> str | None:
        """Give the keys again, with commas, if the file has changed since it was last read."""
        try:
            if self._stamp() == self._seen:
                return None
            return ",".join(self.read())
        except (OSError, BadSettings):
            # Being replaced, or emptied by mistake: what was read before still holds.
            return None

    def write(self, keys: tuple[str, ...]) -> None:
        """Put these keys in the place of those that are there, at one stroke."""
        replace_private(self.path, "\n".join(keys))

    def _stamp(self) -> tuple[int, int, int]:
        found = self.path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys as text (base64 of 32 bytes each), newest first."""

    keys: tuple[str, ...] = field(repr=False)
    file: KeyFile | None = field(default=None, compare=False)
    """Where they stand, unless the environment has them."""

    @property
    def derived_pepper(self) -> bytes:
        """What API keys were hashed with before the pepper had a place of its own."""
        return hmac.digest(self.keys[-1].encode(), b"learning-hub api keys", "sha256")

    def newer(self) -> str | None:
        """Give the keys again if they have changed."""
        return self.file.newer() if self.file else None


def open_keyring(settings: Settings) -> Keyring:
    """Take the keys from the settings, else from a file; make it in the data folder if need be."""
    if settings.secret_keys is not None:
        return Keyring(settings.secret_keys)
    if settings.secret_keys_file is not None:
        file = KeyFile(settings.secret_keys_file)
        return Keyring(file.read(), file)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.data_dir / FILE
    if not path.exists():
        create_private(path, new_key())
    file = KeyFile(path)
    return Keyring(file.read(), file)


def new_key() -> str:
    """Make a key."""
    return b64encode(secrets.token_bytes(32)).decode()
