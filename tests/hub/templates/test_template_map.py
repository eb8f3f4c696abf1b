"""The templates of a subscription: what may stand in the map, and which entry is taken."""

import pytest

from hub.templates.fault import BadTemplate
from hub.templates.template_map import ImportEntry, parse, read

COURSE = {"importProcessId": 7, "batchRowTemplate": "{}", "label": "Courses"}
REST = {"action": "import", "importProcessId": "8", "batchRowTemplate": "{ }"}
IGNORED = {"action": "ignore", "label": "Nothing else matters"}


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ({"*": REST}, {"COURSE": "8", "WORK": "8", None: "8"}),
        ({"_default": REST}, {"COURSE": "8", None: "8"}),
        ({"COURSE": COURSE, "*": REST}, {"COURSE": "7", "WORK": "8", None: "8"}),
        ({"COURSE": COURSE, "*": IGNORED}, {"COURSE": "7", "WORK": None, None: None}),
        ({"COURSE": COURSE}, {"COURSE": "7", "WORK": None, None: None}),
        ({"COURSE": IGNORED, "*": REST}, {"COURSE": None, "WORK": "8", None: "8"}),
        ({}, {"COURSE": None, None: None}),
        ({"*": REST}, {"*": "8"}),
    ],
    ids=str,
)
def test_an_event_is_imported_by_the_entry_of_its_category(
    written: object, taken: dict[str | None, str | None]
) -> None:
    templates = read(written)

    entries = {category: templates.entry_for(category) for category in taken}
    assert {
        category: entry.import_process_id if entry else None for category, entry in entries.items()
    } == taken


def test_an_entry_says_all_that_an_import_needs() -> None:
    (entry,) = read({"COURSE": COURSE, "WORK": IGNORED}).imports()

    assert entry == ImportEntry("COURSE", "7", "{}", "Courses")


def test_the_alias_of_the_default_is_called_by_its_name() -> None:
    assert [entry.key for entry in read({"_default": REST}).imports()] == ["*"]


def test_a_map_may_stand_in_a_text() -> None:
    text = '{"*": {"importProcessId": 7, "batchRowTemplate": "{}"}}'

    assert (
        read(text) == parse(text) == read({"*": {"importProcessId": 7, "batchRowTemplate": "{}"}})
    )


FLAWED: list[tuple[object, str]] = [
    ([], ""),
    (7, ""),
    ("no JSON", ""),
    ('{"*": {}, "*": {}}', "/*"),
    ({"*": REST, "_default": REST}, "/_default"),
    ({"": REST}, "/"),
    ({"x" * 201: REST}, "/" + "x" * 200),
    ({"*": "import"}, "/*"),
    ({"*": REST | {"action": "drop"}}, "/*/action"),
    ({"*": REST | {"template": "{}"}}, "/*/template"),
    ({"*": REST | {"label": 7}}, "/*/label"),
    ({"*": {"batchRowTemplate": "{}"}}, "/*/importProcessId"),
    ({"*": REST | {"importProcessId": True}}, "/*/importProcessId"),
    ({"*": REST | {"importProcessId": 1.5}}, "/*/importProcessId"),
    ({"*": REST | {"importProcessId": "7\n"}}, "/*/importProcessId"),
    ({"*": {"importProcessId": 7}}, "/*/batchRowTemplate"),
    ({"*": REST | {"batchRowTemplate": {}}}, "/*/batchRowTemplate"),
    ({"*": REST | {"batchRowTemplate": " \n"}}, "/*/batchRowTemplate"),
    ({"*": REST | {"batchRowTemplate": "x" * 65_537}}, "/*/batchRowTemplate"),
    ({"a/b": REST | {"action": None}}, "/a~1b/action"),
    ({str(number): REST for number in range(201)}, ""),
]


@pytest.mark.parametrize(("written", "pointer"), FLAWED, ids=map(str, range(len(FLAWED))))
def test_what_is_wrong_is_told_with_its_place(written: object, pointer: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        read(written)

    assert pointer in [flaw.pointer for flaw in refused.value.errors]
