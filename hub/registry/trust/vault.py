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
from collections.abc import Callable, Sequence

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import BadSecretKeys, SealBroken, UnknownSecretKey

FORMAT = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12

log = structlog.get_logger()


Newer = Callable[[], str | None]
"""Gives the keys anew, as `Vault.parse` takes them, if they have changed since it was asked."""


class Vault:
    """A ring of keys, newest first. It follows its keys when they change while it is used."""

    def __init__(self, keys: Sequence[bytes], newer: Newer = lambda: None) -> None:
        self._newer = newer
        self._take(keys)

    @classmethod
    def parse(cls, text: str, newer: Newer = lambda: None) -> "Vault":
        """Make a vault of comma-separated base64 keys, newest first."""
        return cls(_parse(text), newer)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys that are given, newest first."""
        self._follow()
        return tuple(self._ring)

    def _take(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise BadSecretKeys("no secret key is given")
        if any(len(key) != KEY_BYTES for key in keys):
            raise BadSecretKeys(f"a secret key must have {KEY_BYTES} bytes")
        self._ring = {key_id(key): AESGCM(key) for key in keys}
        self._newest = key_id(keys[0])

    def _follow(self) -> None:
        text = self._newer()
        if text is None:
            return
        try:
            self._take(_parse(text))
        except BadSecretKeys as error:
            # Whoever wrote the file will mend it; until then the keys from before do.
            log.warning("secrets.unreadable", error=str(error))

    def seal(self, plain: str, *, row: str) -> str:
        self._follow()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ring[self._newest].encrypt(nonce, plain.encode(), _bound(self._newest, row))
        return f"{FORMAT}.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, row: str) -> str:
        """Return what was sealed for `row`; raise UnknownSecretKey or SealBroken."""
        found, box = _split(sealed, row)
        if found not in self._ring:
            self._follow()
        key = self._ring.get(found)
        if key is None:
            raise UnknownSecretKey(
                f"{row} was sealed with key {found}, which is not given: put that key back into "
                "HUB_SECRET_KEYS or its file"
            )
        try:
            return key.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], _bound(found, row)).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{row} was altered, or moved from another row") from error

    def is_current(self, sealed: str) -> bool:
        """Say whether `sealed` was sealed with the newest key."""
        self._follow()
        return sealed.startswith(f"{FORMAT}.{self._newest}.")


def new_secret_key() -> str:
    """Return a fresh key, as `Vault.parse` takes it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_id_of(sealed: str) -> str:
    """Say with which key something was sealed; empty if it is not sealed at all."""
    version, _, rest = sealed.partition(".")
    return rest.partition(".")[0] if version == FORMAT else ""


def _parse(text: str) -> list[bytes]:
    return [parse_key(part.strip(), place) for place, part in enumerate(text.split(","), 1)]


def parse_key(text: str, place: int = 1) -> bytes:
    """Read one key from base64; `place` says in an error which it was. Raises BadSecretKeys."""
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


def key_id(key: bytes) -> str:
    """Give the name of a key, which tells nothing of it."""
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
