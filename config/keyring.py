"""The hub's own secrets: the keys that customers' secrets are encrypted with, and the pepper.

With `HUB_SECRET_KEYS` they come from there, newest first. Without it (embedded) one key is made on
the first start and kept in the data folder, readable by its owner only. Lose it, and every stored
client secret is lost: back it up together with the database.
"""

import hmac
import secrets
from base64 import b64encode
from dataclasses import dataclass, field

from config.errors import BadSettings
from config.private_file import create_private
from config.settings import Settings

FILE = "secret-keys"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys as text (base64 of 32 bytes each), newest first."""

    keys: tuple[str, ...] = field(repr=False)

    @property
    def pepper(self) -> bytes:
        """What API keys are hashed with: derived from the oldest key, so it outlives a rotation.

        Taking the oldest key off the list makes every API key invalid.
        """
        return hmac.digest(self.keys[-1].encode(), b"learning-hub api keys", "sha256")


def open_keyring(settings: Settings) -> Keyring:
    """Take the keys from the settings, else from the data folder; make them there if need be."""
    if settings.secret_keys is not None:
        return Keyring(settings.secret_keys)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.data_dir / FILE
    if not path.exists():
        create_private(path, b64encode(secrets.token_bytes(32)).decode())
    keys = tuple(path.read_text().split())
    if not keys:
        # A new key would open nothing that the lost one has sealed: let a person decide.
        raise BadSettings([f"{path} is empty; put back the key that was there"])
    return Keyring(keys)
