"""The atomic steps: what must happen together in Redis is one Lua script here.

Each script is headed by its keys, its arguments, its answer and what it leaves. `prelude.lua` is
put before each of them. Times are milliseconds since 1970, handed in; lengths are milliseconds.
"""

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files

_FOLDER = files("delivery.stores.scripts")
_PRELUDE = (_FOLDER / "prelude.lua").read_text()


@dataclass(frozen=True, slots=True)
class Script:
    """One script as Redis knows it: its text, and the digest it is called by."""

    name: str
    text: str
    digest: str


def _load(name: str) -> Script:
    text = _PRELUDE + (_FOLDER / f"{name}.lua").read_text()
    # Redis names scripts by SHA-1; nothing here depends on its strength.
    return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())


ACCEPT = _load("accept")
APPLY = _load("apply")
BEGIN = _load("begin")
CENSUS = _load("census")
CLAIM_DUE = _load("claim_due")
CLAIM_MAIL = _load("claim_mail")
CLAIM_OPERATIONS = _load("claim_operations")
DISCARD = _load("discard")
MAIL_SENT = _load("mail_sent")
MENTIONS = _load("mentions")
OPEN = _load("open")
PACK = _load("pack")
PURGE = _load("purge")
RECORD = _load("record")
RELEASE = _load("release")
RENEW = _load("renew")
REPAIR = _load("repair")
REQUEUE = _load("requeue")
RESEAL = _load("reseal")
RETIRE = _load("retire")
SAMPLE = _load("sample")
SEEK = _load("seek")
SETTLE = _load("settle")
SIFT = _load("sift")
STEER = _load("steer")
STOP = _load("stop")
SURVEY = _load("survey")
TALLY = _load("tally")
WITHDRAW = _load("withdraw")

ALL = (
    ACCEPT,
    APPLY,
    BEGIN,
    CENSUS,
    CLAIM_DUE,
    CLAIM_MAIL,
    CLAIM_OPERATIONS,
    DISCARD,
    MAIL_SENT,
    MENTIONS,
    OPEN,
    PACK,
    PURGE,
    RECORD,
    RELEASE,
    RENEW,
    REPAIR,
    REQUEUE,
    RESEAL,
    RETIRE,
    SAMPLE,
    SEEK,
    SETTLE,
    SIFT,
    STEER,
    STOP,
    SURVEY,
    TALLY,
    WITHDRAW,
)
