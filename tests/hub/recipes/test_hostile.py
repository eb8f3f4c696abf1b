"""No record breaks a built-in recipe: it is taken, skipped, or refused by the name of its field."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.recipes.catalogue import BUILT_IN, name_of
from hub.recipes.context import Context
from hub.recipes.faults import RecordFault
from hub.recipes.record import Record
from tests.hub.recipes.cases import CASES, LANDED_AT, ground

TEXTS = st.text(max_size=30) | st.sampled_from(
    ["=1+1", "\ud800", "\0", "1e309", "nan", "-1", "[bot]"]
)
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
Make = Callable[[Record, Context], object]


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    listed = enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for name, v in (*inner, *listed) for p in _places(v, (*path, name)))]


def _with(record: object, path: tuple[str | int, ...], value: object) -> object:
    if not path:
        return value
    first, *rest = path
    if isinstance(record, dict):
        return {k: _with(v, tuple(rest), value) if k == first else v for k, v in record.items()}
    assert isinstance(record, list)
    return [_with(v, tuple(rest), value) if k == first else v for k, v in enumerate(record)]


@pytest.mark.parametrize("make", BUILT_IN, ids=name_of)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_record_with_anything_anywhere_is_made_skipped_or_refused(
    make: Make, data: st.DataObject
) -> None:
    cases = [json.loads(p.read_text()) for p in CASES if p.parent.name == name_of(make)]
    case = data.draw(st.sampled_from(cases))
    path = data.draw(st.sampled_from(_places(case["record"])[1:]))
    fields = _with(case["record"], path, data.draw(VALUES))
    assert isinstance(fields, dict)
    options = case.get("options", {}) | data.draw(
        st.dictionaries(st.sampled_from(["columns", "timezone", "webinarId", "homePage"]), VALUES)
    )
    context = Context(options, "a-source", LANDED_AT)
    try:
        made = make(Record(fields, 1, case.get("headers", {})), context)
    except RecordFault as fault:
        made = fault.reason
    assert made


@pytest.mark.parametrize("make", BUILT_IN, ids=name_of)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_a_recipe_makes_of_it_the_mill_takes_or_refuses_it(
    make: Make, data: st.DataObject
) -> None:
    cases = [json.loads(p.read_text()) for p in CASES if p.parent.name == name_of(make)]
    case = data.draw(st.sampled_from(cases))
    path = data.draw(st.sampled_from(_places(case["record"])[1:]))
    fields = _with(case["record"], path, data.draw(TEXTS.filter(lambda text: text != "\ud800")))
    made = ground(case | {"record": fields}, name_of(make))
    assert made.rows == 1
    assert not any(fault.reason.startswith("the recipe fails") for fault in made.faults)
