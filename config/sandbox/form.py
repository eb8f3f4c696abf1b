"""The switches as the plain forms of the page send them, turned into the one vocabulary."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from config.sandbox.errors import BadControl
from config.sandbox.switch import BELONGING, Mode

_BOUNDS = ("maxBody", "maxBatch")


def read_form(body: bytes) -> dict[str, object]:
    """Read a form; raise BadControl if it cannot be read.

    `statements.mode` stands for `{"statements": {"mode": ...}}`; a field left empty was not asked
    for, except that an empty bound takes the bound away.
    """
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as flaw:
        raise BadControl("the form is not UTF-8") from flaw
    wishes: dict[str, object] = {}
    for name, text in fields.items():
        _add(wishes, name, text.strip())
    _fold_client(wishes)
    return {name: _fitting(wish) for name, wish in wishes.items()}


def _add(wishes: dict[str, object], name: str, text: str) -> None:
    outer, dot, inner = name.partition(".")
    if name in _BOUNDS:
        wishes[name] = text or None
    elif name in {"rejectStatements", "refuseBatches"}:
        wishes[name] = text.replace(",", " ").split()
    elif not text:
        return
    elif dot:
        part = wishes.setdefault(outer, {})
        if isinstance(part, dict):
            part[inner] = text
    else:
        wishes[name] = text


def _fold_client(wishes: dict[str, object]) -> None:
    client_id, client_secret = wishes.pop("clientId", None), wishes.pop("clientSecret", None)
    if client_id is None and client_secret is None:
        return
    if client_id is None or client_secret is None:
        raise BadControl("clients: a client needs both an id and a secret")
    wishes["clients"] = {client_id: client_secret}


def _fitting(wish: object) -> object:
    """Leave out the fields that mean nothing in the chosen mode; a form shows them all."""
    if not isinstance(wish, Mapping) or wish.get("mode") not in set(Mode):
        return wish
    belonging = BELONGING[Mode(wish["mode"])] | {"mode"}
    return {name: text for name, text in wish.items() if name in belonging}
