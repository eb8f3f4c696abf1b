"""Ids that follow from a name are those of the standard library."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from hub.xapi.naming import uuid_of


@given(st.uuids(), st.text())
def test_an_id_is_the_one_of_the_standard(namespace: UUID, name: str) -> None:
    written = name.encode("utf-8", "replace").decode()

    assert uuid_of(namespace.bytes, written.encode()) == str(uuid5(namespace, written))
