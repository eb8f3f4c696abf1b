"""The LearningBuilder takes batches as the real one does, and fails as it is told to."""

from collections.abc import Mapping

import httpx
import pytest

from config.sandbox.imports import API_KEY, LARGEST_BATCH
from config.sandbox.server import listening
from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import Caller

CREATE = "/API/WorkflowImportQueue/CreateBatch"
QUERY = {"importProcessId": "42", "fileName": "ACME from PUB", "creationPath": "LH"}
ROWS = b'{"a": 1}\n{"a": 2}'
KEY = {"Authorization": f"apikey {API_KEY}"}


async def post(
    caller: Caller, body: bytes = ROWS, query: Mapping[str, str] = QUERY, key: str = API_KEY
) -> httpx.Response:
    headers = {"Authorization": f"apikey {key}"}
    return await caller.http.post(CREATE, params={**QUERY, **query}, content=body, headers=headers)


async def test_a_batch_is_taken_and_shown_with_its_rows(stranger: Caller) -> None:
    taken = await post(stranger)

    assert taken.status_code == 200
    shown = await stranger.http.get(taken.json()["queueBatchDetails"])
    (listed,) = (await stranger.http.get("/batches")).json()
    assert listed == {
        "queueBatchId": taken.json()["queueBatchId"],
        "at": "2026-03-01T12:00:00.000Z",
        "importProcessId": "42",
        "fileName": "ACME from PUB",
        "creationPath": "LH",
        "rows": 2,
    }
    assert shown.json() == {**listed, "content": [{"a": 1}, {"a": 2}]}


@pytest.mark.parametrize(
    "header",
    [None, "apikey wrong", f"Bearer {API_KEY}", f"apikey {API_KEY}x", API_KEY, "apikey schlüssel"],
)
async def test_only_its_key_lets_a_batch_in(stranger: Caller, header: str | None) -> None:
    headers = {b"Authorization": header.encode()} if header else {}

    answer = await stranger.http.post(CREATE, params=QUERY, content=ROWS, headers=headers)

    assert answer.status_code == 401
    assert (await stranger.http.get("/batches")).json() == []


@pytest.mark.parametrize(
    ("body", "query", "complaint"),
    [
        (b"", {}, "holds no row"),
        (b'{"a": 1}\n[2]', {}, "line 2 is not a JSON object"),
        (b'{"a": 1}\n{', {}, "line 2 is not a JSON object"),
        (ROWS, {"importProcessId": "x"}, "importProcessId 'x' is not a whole number"),
        (ROWS, {"importProcessId": ""}, "importProcessId '' is not a whole number"),
        (ROWS, {"creationPath": "lh"}, "creationPath 'lh'"),
        (ROWS, {"creationPath": "A" * 16}, "creationPath"),
        (ROWS, {"creationPath": ""}, "creationPath"),
    ],
)
async def test_what_makes_no_sense_is_refused_whole(
    stranger: Caller, body: bytes, query: dict[str, str], complaint: str
) -> None:
    answer = await post(stranger, body, query)

    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    assert (await stranger.http.get("/batches")).json() == []


async def test_too_large_a_batch_is_refused(stranger: Caller) -> None:
    answer = await post(stranger, b" " * (LARGEST_BATCH + 1))

    assert answer.status_code == 413


async def test_the_nth_batch_is_refused(stranger: Caller, sandbox: Sandbox) -> None:
    await stranger.control({"refuseBatches": [2]})

    statuses = [(await post(stranger)).status_code for _ in range(3)]

    assert statuses == [200, 400, 200]
    assert len(sandbox.imports.batches()) == 2


@pytest.mark.parametrize(
    ("wish", "status", "kept"),
    [
        (429, 429, 0),
        ({"mode": "status", "status": 500, "times": 1}, 500, 0),
        ("apply_then_503", 503, 1),
    ],
)
async def test_it_answers_as_it_is_told(
    stranger: Caller, sandbox: Sandbox, wish: object, status: int, kept: int
) -> None:
    await stranger.control({"batches": wish})

    answer = await post(stranger)

    assert answer.status_code == status
    assert len(sandbox.imports.batches()) == kept
    assert sandbox.log.entries("batches")[0].status == status


@pytest.mark.parametrize(("mode", "kept"), [("reset", 0), ("close", 0), ("apply_then_reset", 1)])
async def test_it_cuts_the_connection(sandbox: Sandbox, mode: str, kept: int) -> None:
    sandbox.change({"batches": mode})
    async with listening(sandbox, smtp_port=None) as at, httpx.AsyncClient() as http:
        with pytest.raises(httpx.TransportError):
            await http.post(f"{at.url}{CREATE}", params=QUERY, content=ROWS, headers=KEY)

    assert len(sandbox.imports.batches()) == kept


async def test_the_key_can_be_changed(stranger: Caller) -> None:
    await stranger.control({"importKey": "another"})

    assert (await post(stranger)).status_code == 401
    assert (await post(stranger, key="another")).status_code == 200


async def test_old_batches_give_way_to_new_ones(stranger: Caller, sandbox: Sandbox) -> None:
    small = Sandbox(sandbox.clock, keep_batch_bytes=2 * len(ROWS))
    sandbox.imports = small.imports
    for _ in range(3):
        await post(stranger)

    assert [batch.id for batch in sandbox.imports.batches()] == ["batch-3", "batch-2"]
    assert (await stranger.http.get("/batches/batch-1")).status_code == 404


async def test_the_page_shows_what_was_imported(stranger: Caller) -> None:
    await post(stranger)

    page = await stranger.http.get("/")

    assert "ACME from PUB" in page.text
    assert API_KEY in page.text


async def test_a_form_turns_the_switches(stranger: Caller, sandbox: Sandbox) -> None:
    form = {"importKey": "from-a-form", "refuseBatches": "2, 5", "batches.mode": "silent"}

    answer = await stranger.http.post("/control", data=form)

    assert answer.status_code == 303
    assert (sandbox.imports.api_key, sandbox.imports.refuse) == ("from-a-form", frozenset({2, 5}))
    assert sandbox.batches.switch.mode == "silent"


async def test_all_of_it_is_forgotten_on_reset(stranger: Caller, sandbox: Sandbox) -> None:
    await post(stranger)
    await stranger.control({"batches": 500, "refuseBatches": [1], "importKey": "x"})

    await stranger.control({"reset": True})

    assert (await stranger.http.get("/batches")).json() == []
    assert (await post(stranger)).status_code == 200
