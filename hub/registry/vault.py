"""Secrets at rest: sealed with AES-GCM under versioned keys, and bound to their row.

A sealed secret reads `v1.<key id>.<base64 of nonce and ciphertext>`. The row it belongs to
(`integrations/<id>/client_secret`) is authenticated with it, so that a ciphertext moved to another
row opens nothing. Keys are rotated by putting a new one in front: it seals from then on, the older
ones go on opening.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import BadSecretKeys, SealBroken, UnknownSecretKey

FORMAT = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12


class Vault:
    """A ring of keys, newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise BadSecretKeys("no secret key is given")
        if any(len(key) != KEY_BYTES for key in keys):
            raise BadSecretKeys(f"a secret key must have {KEY_BYTES} bytes")
        self._ring = {_key_id(key): AESGCM(key) for key in keys}
        self._newest = _key_id(keys[0])

    @classmethod
    def parse(cls, text: str) -> "Vault":
        """Make a vault of comma-separated base64 keys, newest first."""
        keys = [_parse_key(part.strip(), place) for place, part in enumerate(text.split(","), 1)]
        return cls(keys)

    def seal(self, plain: str, *, row: str) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ring[self._newest].encrypt(nonce, plain.encode(), _bound(self._newest, row))
        return f"{FORMAT}.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, row: str) -> str:
        """Return what was sealed for `row`; raise UnknownSecretKey or SealBroken."""
        key_id, box = _split(sealed, row)
        key = self._ring.get(key_id)
        if key is None:
            raise UnknownSecretKey(f"{row} was sealed with key {key_id}, which is not given")
        try:
            return key.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], _bound(key_id, row)).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{row} was altered, or moved from another row") from error

    def is_current(self, sealed: str) -> bool:
        """Say whether `sealed` was sealed with the newest key."""
        return sealed.startswith(f"{FORMAT}.{self._newest}.")


def new_secret_key() -> str:
    """Return a fresh key, as `Vault.parse` takes it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _parse_key(text: str, place: int) -> bytes:
    try:
        # Both alphabets of base64 are met in the wild; the padding is often lost.
        padded = text.translate(str.maketrans("+/", "-_")).rstrip("=") + "=" * (
            -len(text.rstrip("=")) % 4
        )
        key = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise BadSecretKeys(f"secret key {place} is not base64") from None
    if len(key) != KEY_BYTES:
        raise BadSecretKeys(f"secret key {place} has {len(key)} bytes, not {KEY_BYTES}")
    return key


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"learning-hub secret key id\0" + key).hexdigest()[:8]


def _bound(key_id: str, row: str) -> bytes:
    return f"{FORMAT}|{key_id}|{row}".encode()


def _split(sealed: str, row: str) -> tuple[str, bytes]:
    version, _, rest = sealed.partition(".")
    key_id, _, box = rest.partition(".")
    if version != FORMAT or not box:
        raise SealBroken(f"{row} holds no sealed secret")
    try:
        return key_id, base64.b64decode(box, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise SealBroken(f"{row} was altered") from error
