"""The form of a source and its JSON: the same thing, written twice."""

from typing import Any

import pytest

from hub.portal.pages.sources.fields import Unreadable, placed, record_of, said, written

SOURCES: list[dict[str, Any]] = [
    {
        "kind": "poll",
        "name": "CRM",
        "status": "active",
        "recipe": "crm-activity",
        "recipeOptions": {"homePage": "https://crm.example.org"},
        "integrations": "all",
        "identity": ["id", "kind"],
        "lookups": {"owners": {"source": "S1", "key": "OwnerId"}},
        "retentionDays": None,
        "url": "https://crm.example.org/api?x=1",
        "intervalSeconds": 60,
        "headers": {"Accept": "application/json", "X-A": "a:b"},
        "auth": {"type": "basic", "username": "hub"},
        "paging": {"type": "cursor", "field": "/next", "first": 1, "mostPages": 5},
        "cursor": {"field": "updated", "parameter": "since", "overlapSeconds": 10},
        "format": "json",
        "records": "/rows",
        "columns": {"E-mail": "email"},
    },
    {
        "kind": "webhook",
        "name": "GitHub",
        "status": "disabled",
        "recipe": None,
        "recipeOptions": {},
        "integrations": ["I1", "I2"],
        "identity": [],
        "lookups": {},
        "retentionDays": 90,
        "signature": {"scheme": "hmac", "header": "X-S", "toleranceSeconds": 60},
        "ratePerSecond": 500,
        "records": "",
    },
    {
        "kind": "csv",
        "name": "Old LMS",
        "status": "active",
        "recipe": "csv-completions",
        "recipeOptions": {},
        "integrations": "all",
        "identity": [],
        "lookups": {},
        "retentionDays": 1,
        "columns": ["email", "course_uri"],
        "delimiter": ";",
    },
]


@pytest.mark.parametrize("source", SOURCES, ids=[one["kind"] for one in SOURCES])
def test_what_is_shown_and_sent_back_is_the_same(source: dict[str, Any]) -> None:
    whole, errors = said(source["kind"], written(source))

    assert errors == {}
    assert {name: whole.get(name) for name in source} == source


def test_what_cannot_be_read_is_told_at_its_field() -> None:
    form = {"recipeOptions": '{"a":\n x}', "headers": "no colon", "columns": "a = b\nc"}

    _, errors = said("poll", form)

    assert (
        errors["recipeOptions"]
        == "is no JSON, at line 2, column 2: a comma, a quote or a brace too few or too many"
    )
    assert "every line needs a name" in errors["headers"]
    assert "'c'" in errors["columns"]
    assert said("csv", {"recipeOptions": "[1]"})[1] == {"recipeOptions": "must be a JSON object"}
    assert "recipeOptions" in said("csv", {"recipeOptions": "[" * 100_000})[1]


def test_a_number_that_is_none_is_left_to_the_api() -> None:
    assert said("poll", {"intervalSeconds": "often"})[0]["intervalSeconds"] == "often"
    assert "intervalSeconds" not in said("poll", {"intervalSeconds": ""})[0]


@pytest.mark.parametrize(
    ("kind", "pointer", "field", "told"),
    [
        ("poll", "/url", "url", "is wrong"),
        ("poll", "/auth/tokenUrl", "auth.tokenUrl", "is wrong"),
        ("poll", "/auth", "auth.type", "is wrong"),
        ("webhook", "/signature", "signature.scheme", "is wrong"),
        ("webhook", "/signature/odd", "signature.scheme", "is wrong"),
        ("csv", "/recipeOptions/columns/x", "recipeOptions", "columns.x: is wrong"),
        ("csv", "/lookups/people/source", "lookups", "people.source: is wrong"),
        ("csv", "/integrations/3", "integrations", "is wrong"),
        ("poll", "/headers/X-A", "headers", "X-A: is wrong"),
    ],
)
def test_a_flaw_is_told_beside_the_field_it_is_about(
    kind: str, pointer: str, field: str, told: str
) -> None:
    assert placed(kind, {pointer: "is wrong"}) == {field: told}


@pytest.mark.parametrize(
    ("sample", "columns", "record"),
    [
        ('{"email": "a@b.c"}', None, {"email": "a@b.c"}),
        ("email;name\na@b.c;Ann", None, {"email": "a@b.c", "name": "Ann"}),
        ('E-mail,name\na@b.c,"Lovelace, A"', {"E-mail": "email"}, None),
        ("a@b.c;Ann", ["email", "name"], {"email": "a@b.c", "name": "Ann"}),
        ("email,name\na@b.c", None, {"email": "a@b.c", "name": ""}),
    ],
)
def test_a_sample_is_json_or_a_row(
    sample: str, columns: object, record: dict[str, str] | None
) -> None:
    expected = record or {"email": "a@b.c", "name": "Lovelace, A"}
    assert record_of(sample, columns) == expected


@pytest.mark.parametrize("sample", ["", "email", "[1]", "{", "\n\n"])
def test_what_is_no_record_is_told(sample: str) -> None:
    with pytest.raises(Unreadable):
        record_of(sample)
