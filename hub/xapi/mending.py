"""Two shapes that xAPI forbids and real providers use, and how they are mended.

A learner's account without a home page, and a bare UUID as the id of a course. Where the provider's
rules say so they pass, or are mended if the rules know how. And what a producer may not say to an
LRS, `stored` and `authority`, is left out. All else stays as it was written, byte for byte.
"""

import re
from collections.abc import Mapping

import msgspec

from hub.xapi.rules import Rules
from hub.xapi.words import UUID

NOT_FORWARDED = frozenset({"stored", "authority"})
STAND_IN_HOME_PAGE = "urn:none"
STAND_IN_ACTIVITY = "urn:uuid:"
BARE_UUID = re.compile(UUID)

Members = dict[str, msgspec.Raw]


def stand_in(written: Mapping[str, object], rules: Rules) -> Mapping[str, object]:
    """Return what to check instead of `written`, where the rules take what xAPI forbids."""
    checked = dict(written)
    actor, activity = written.get("actor"), written.get("object")
    if isinstance(actor, Mapping) and lacks_home_page(written, rules):
        home_page = rules.account_home_page or STAND_IN_HOME_PAGE
        account = _mapping(actor["account"])
        checked["actor"] = {**actor, "account": {**account, "homePage": home_page}}
    if isinstance(activity, Mapping) and has_bare_uuid(written, rules):
        checked["object"] = {**activity, "id": f"{STAND_IN_ACTIVITY}{activity['id']}"}
    return checked


def mend(raw: bytes, written: Mapping[str, object], rules: Rules) -> bytes:
    """Return the bytes to send: those that came, unless something has to be mended or left out."""
    home_page = rules.account_home_page if lacks_home_page(written, rules) else None
    template = rules.object_id_template if has_bare_uuid(written, rules) else None
    if home_page is None and template is None and NOT_FORWARDED.isdisjoint(written):
        return raw
    members = _open(raw)
    for name in NOT_FORWARDED & members.keys():
        del members[name]
    if home_page is not None:
        _add_home_page(members, home_page)
    if template is not None:
        _mend_object_id(members, rules)
    return msgspec.json.encode(members)


def lacks_home_page(written: Mapping[str, object], rules: Rules) -> bool:
    """Say whether the actor's account has no home page and the rules take it so."""
    account = _mapping(_mapping(written.get("actor")).get("account"))
    return bool(account) and "homePage" not in account and rules.takes_bare_accounts


def has_bare_uuid(written: Mapping[str, object], rules: Rules) -> bool:
    """Say whether the object is an activity with a bare UUID as its id, and the rules take it."""
    activity = _mapping(written.get("object"))
    if activity.get("objectType", "Activity") != "Activity" or not rules.takes_bare_uuids:
        return False
    name = activity.get("id")
    return isinstance(name, str) and BARE_UUID.fullmatch(name) is not None


def _add_home_page(members: Members, home_page: str) -> None:
    actor = _open(members["actor"])
    account = _open(actor["account"]) | {"homePage": _raw(home_page)}
    actor["account"] = msgspec.Raw(msgspec.json.encode(account))
    members["actor"] = msgspec.Raw(msgspec.json.encode(actor))


def _mend_object_id(members: Members, rules: Rules) -> None:
    activity = _open(members["object"])
    uuid = msgspec.json.decode(activity["id"], type=str)
    activity["id"] = _raw(rules.activity_id(uuid))
    members["object"] = msgspec.Raw(msgspec.json.encode(activity))


def _open(raw: bytes | msgspec.Raw) -> Members:
    return msgspec.json.decode(raw, type=Members)


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
