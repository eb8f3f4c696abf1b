"""Sources over HTTP: made, shown without secrets, sent to; nothing wrong is kept."""

import asyncio
import gzip
import hashlib
import hmac
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hub.api.conftest import Hub

SECRET = "a secret of the sender"
POLL = {"kind": "poll", "name": "x", "url": "https://api.example.org/rows"}
WEBHOOK = {
    "name": "Hooks",
    "kind": "webhook",
    "recipe": "csv-completions",
    "signature": "stripe",
    "secret": SECRET,
}
ROW = {
    "email": "ann@example.org",
    "course_uri": "https://x.example/c",
    "completed_at": "2026-03-02T09:00:00Z",
}

CSV = {"kind": "csv", "name": "x", "recipe": "csv-completions"}
BUCKET = {"kind": "bucket", "name": "x", "url": "s3://exports"}


async def make(hub: Hub, **fields: object) -> dict[str, Any]:
    made = await hub.acme.post("/api/programs/ACME/sources", json=fields)
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.json()
    return shown


def signed(hub: Hub, body: bytes, *, secret: str = SECRET, late: float = 0) -> dict[str, str]:
    at = str(int((hub.clock() - timedelta(seconds=late)).timestamp()))
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={digest}"}


async def count(hub: Hub, source_id: str) -> int:
    listed = await hub.acme.get(f"/api/sources/{source_id}/files")
    return len(listed.json()["items"])


def files_below(folder: Path) -> list[str]:
    return [one.name for one in folder.rglob("*") if one.is_file()]


async def test_a_secret_is_kept_and_never_shown(hub: Hub) -> None:
    source = await make(hub, **WEBHOOK)
    path = f"/api/sources/{source['id']}"
    assert source["secrets"] == ["secret"]
    assert SECRET not in str(source)

    changed = await hub.acme.patch(path, json={"name": "Other", "secret": ""})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["revision"]) == ("Other", 2)
    body = b"{}"
    taken = await hub.nobody.post(f"/hooks/{source['id']}", content=body, headers=signed(hub, body))
    assert taken.status_code == 202, taken.text

    assert (await hub.acme.patch(path, json=changed.json())).status_code == 200
    refused = await hub.acme.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'})
    assert refused.status_code == 412
    assert (await hub.acme.delete(path)).status_code == 204
    assert (await hub.acme.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "fax", "name": "x"}, ""),
        ({"kind": "webhook", "name": "x", "signature": "github"}, "/secret"),
        ({**WEBHOOK, "signature": {"scheme": "hmac"}}, "/signature"),
        ({**WEBHOOK, "recipe": "nothing"}, "/recipe"),
        ({"kind": "poll", "name": "x", "url": "http://10.0.0.1/"}, "/url"),
        ({**POLL, "headers": {"Accept": "text/json", "X-API-Key": "s3cr3t"}}, "/headers/X-API-Key"),
        ({**POLL, "headers": {"authorization": "Token s3cr3t"}}, "/headers/authorization"),
        ({**POLL, "auth": {"type": "header", "token": "s3cr3t"}}, "/auth"),
        ({"kind": "bucket", "name": "x", "url": "file:///etc"}, "/url"),
        ({**BUCKET, "prefix": "a//b"}, "/prefix"),
        ({**BUCKET, "prefix": "../x"}, "/prefix"),
        ({**BUCKET, "prefix": "./x"}, "/prefix"),
        ({**BUCKET, "prefix": "a\nb"}, "/prefix"),
        ({"kind": "csv", "name": "x", "integrations": ["nothing"]}, "/integrations/0"),
        (
            {"kind": "csv", "name": "x", "lookups": {"people": {"source": "no", "key": "id"}}},
            "/lookups/people/source",
        ),
        (
            {
                "kind": "csv",
                "name": "x",
                "recipe": "csv-completions",
                "recipeOptions": {"columns": {"a": "b"}},
            },
            "/recipeOptions/columns",
        ),
        ({**CSV, "recipeOptions": {"colums": {}}}, "/recipeOptions/colums"),
        ({**CSV, "recipeOptions": {"timezone": 5}}, "/recipeOptions/timezone"),
        ({**CSV, "recipeOptions": {"timezone": "Mars/X"}}, "/recipeOptions/timezone"),
    ],
)
async def test_what_makes_no_source_is_told_with_its_place(
    hub: Hub, fields: dict[str, object], pointer: str
) -> None:
    refused = await hub.acme.post("/api/programs/ACME/sources", json=fields)
    assert refused.status_code == 422, refused.text
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]


async def test_wrong_old_and_repeated_signatures_are_refused_and_nothing_lands(
    hub: Hub, tmp_path: Path
) -> None:
    source = await make(hub, **WEBHOOK)
    path, body = f"/hooks/{source['id']}", b'{"a": 1}'

    async def post(headers: dict[str, str], content: bytes = body) -> httpx.Response:
        return await hub.nobody.post(path, content=content, headers=headers)

    for headers in (
        {},
        signed(hub, body, secret="another"),
        signed(hub, body, late=400),
        signed(hub, b"{}"),
    ):
        assert (await post(headers)).status_code == 401
    large = b'{"a": "' + b"x" * 30_000 + b'"}'
    assert (await post(signed(hub, large), large)).status_code == 413
    assert await count(hub, source["id"]) == 0
    assert files_below(tmp_path / "landing") == []

    first = signed(hub, body)
    assert (await post(first)).status_code == 202
    assert (await post(first)).status_code == 409
    hub.clock.move(seconds=5)
    assert (await post(signed(hub, body))).status_code == 200
    assert await count(hub, source["id"]) == 1
    assert len(files_below(tmp_path / "landing")) == 1
    assert (await hub.nobody.post("/hooks/nothing", content=body)).status_code == 404


async def test_a_file_is_uploaded_whole_or_in_a_form_and_bounded(hub: Hub) -> None:
    source = await make(hub, kind="csv", name="Files", recipe="csv-completions")
    path = f"/api/sources/{source['id']}/files"
    content = b"email,course_uri,completed_at\n" + b"x" * 30_000

    first = await hub.acme.post(path, content=content, params={"name": "a.csv"})
    assert first.status_code == 202, first.text
    named = await hub.acme.post(path, files={"file": ("ä.csv", b"a,b\n")})
    assert named.json()["name"] == "ä.csv"
    again = await hub.acme.post(path, files={"file": ("b.csv", content)})
    assert (again.status_code, again.json()["fileId"]) == (200, first.json()["fileId"])
    empty = await hub.acme.post(path, files={"file": ("nothing.csv", b"")})
    assert (empty.status_code, empty.json()["detail"]) == (400, "the file nothing.csv is empty")
    none = await hub.acme.post(path, files={"other": (None, b"words")})
    assert (none.status_code, none.json()["detail"]) == (400, "the form has no file")
    assert (await hub.acme.post(path, content=b"y" * 55_000)).status_code == 413
    assert (await hub.acme.post(path, content=b"y" * 70_000)).status_code == 413
    assert await count(hub, source["id"]) == 2

    hook = await make(hub, **WEBHOOK)
    assert (
        await hub.acme.post(f"/api/sources/{hook['id']}/files", content=b"x")
    ).status_code == 409


BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}


def part(name: str, content: bytes) -> bytes:
    said = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return said.encode() + content + b"\r\n"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (part("a.csv", b"a,b\n1,2\n") + part("b.csv", b"a,b\n3,4\n") + b"--b--", "several files"),
        (part("a.csv", b"a,b\n1,2\n") + part("b.csv", b"") + b"--b--", "several files"),
        (part("a.csv", b"a,b\n1,2\n"), "closing boundary"),
        (part("a.csv", b"a,b\n1,2\n")[:-4], "closing boundary"),
        (part("a.csv", b"a,b\n1,2\n") + b"--b", "closing boundary"),
        (part("a\x00.csv", b"a,b\n1,2\n") + b"--b--", "control character|cannot be read"),
        (part("a\x1b.csv", b"a,b\n1,2\n") + b"--b--", "control character|cannot be read"),
    ],
)
async def test_a_form_that_is_not_one_whole_file_lands_nothing(
    hub: Hub, tmp_path: Path, form: bytes, told: str
) -> None:
    source = await make(hub, kind="csv", name="Files", recipe="csv-completions")

    refused = await hub.acme.post(
        f"/api/sources/{source['id']}/files", content=form, headers=BOUNDARY
    )

    assert refused.status_code == 400, refused.text
    assert re.search(told, refused.json()["detail"])
    assert await count(hub, source["id"]) == 0
    assert files_below(tmp_path / "landing") == []


async def test_a_field_of_a_form_in_which_no_file_was_chosen_is_none(hub: Hub) -> None:
    source = await make(hub, kind="csv", name="Files", recipe="csv-completions")
    form = part("", b"") + part("a.csv", b"a,b\n1,2\n") + part("", b"") + b"--b--\r\n"

    taken = await hub.acme.post(
        f"/api/sources/{source['id']}/files", content=form, headers=BOUNDARY
    )

    assert (taken.status_code, taken.json()["name"]) == (202, "a.csv"), taken.text


@pytest.mark.parametrize("name", ["a\x00.csv", "a\n.csv", "a\x7f"])
async def test_a_name_with_a_control_character_is_refused(hub: Hub, name: str) -> None:
    source = await make(hub, kind="csv", name="Files", recipe="csv-completions")

    refused = await hub.acme.post(
        f"/api/sources/{source['id']}/files", content=b"a\n", params={"name": name}
    )

    assert refused.status_code in (400, 422), refused.text
    assert "the query parameter name" in refused.text
    assert await count(hub, source["id"]) == 0


async def test_a_recipe_is_tried_before_it_is_used(hub: Hub) -> None:
    form = {"recipe": "csv-completions", "record": ROW}
    made = (await hub.acme.post("/api/recipes/preview", json=form)).json()
    assert made["statements"][0]["actor"] == {"mbox": "mailto:ann@example.org"}

    form["record"] = {**ROW, "email": "nobody"}
    made = (await hub.acme.post("/api/recipes/preview", json=form)).json()
    wrong = {"line": 1, "field": "email", "reason": "must be an e-mail address"}
    assert made["errors"] == [wrong]
    refused = await hub.acme.post(
        "/api/recipes/preview",
        json={"recipe": "declarative", "record": {}, "options": {"actor": "{{"}},
    )
    assert refused.status_code == 422
    names = (await hub.acme.get("/api/recipes")).json()["items"]
    assert {"csv-completions", "declarative"} <= {one["name"] for one in names}
    (csv,) = (one for one in names if one["name"] == "csv-completions")
    assert "Options: `columns` names the columns of a file" in csv["details"]


async def test_a_recipe_is_tried_on_a_sample_of_a_file(hub: Hub) -> None:
    sample = (
        "E-Mail;Kurs;Ende\n"
        "ann@example.org;https://x.example/c;2026-03-02\n"
        "nobody;https://x.example/c;2026-03-02\n"
    )
    columns = {"E-Mail": "email", "Kurs": "course_uri", "Ende": "completed_at"}
    form: dict[str, object] = {"recipe": "csv-completions", "sample": sample}
    form["reading"] = {"columns": columns}

    made = (await hub.acme.post("/api/recipes/preview", json=form)).json()

    assert (made["rows"], len(made["statements"])) == (2, 1)
    wrong = {"line": 3, "field": "email", "reason": "must be an e-mail address"}
    assert made["errors"] == [wrong]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"sample": "a,a\n1,2\n"}, "/sample"),
        ({"sample": "\0\1\2"}, "/sample"),
        ({"sample": "x" * 70_000}, "/sample"),
        ({"sample": "a\n1\n", "record": {}}, ""),
        ({}, ""),
        ({"sample": "a\n1\n", "reading": {"delimiter": "--"}}, "/reading/delimiter"),
    ],
    ids=["twice", "binary", "long", "both", "neither", "delimiter"],
)
async def test_a_sample_that_cannot_be_read_is_told_with_its_place(
    hub: Hub, fields: dict[str, object], pointer: str
) -> None:
    form = {"recipe": "csv-completions", **fields}

    refused = await hub.acme.post("/api/recipes/preview", json=form)

    assert refused.status_code in {413, 422}, refused.text
    assert refused.status_code == 413 or pointer in [
        error["pointer"] for error in refused.json()["errors"]
    ]


async def test_what_is_repeated_leaves_the_bytes_of_the_first_and_nothing_else(
    hub: Hub, tmp_path: Path
) -> None:
    source = await make(hub, **{**WEBHOOK, "signature": "github"})
    body = b'{"a": 1}'
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()

    async def post(delivery: str) -> int:
        headers = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": delivery}
        path = f"/hooks/{source['id']}"
        return (await hub.nobody.post(path, content=body, headers=headers)).status_code

    def kept() -> list[bytes]:
        files = (tmp_path / "landing").rglob("*")
        return [one.read_bytes() for one in files if one.is_file()]

    assert await post("one") == 202
    for days in (0, 1):
        hub.clock.move(days=days)
        # As it was, and under a name that the signature does not cover.
        assert await post("one") == 409
        assert await post("two") == 409
        assert kept() == [body]


async def test_webhooks_that_come_together_are_all_taken_and_each_once(hub: Hub) -> None:
    source = await make(hub, **{**WEBHOOK, "signature": "bearer"})

    async def post(number: int) -> int:
        sent = await hub.nobody.post(
            f"/hooks/{source['id']}",
            json={"number": number},
            headers={"Authorization": f"Bearer {SECRET}"},
        )
        return sent.status_code

    first = await asyncio.gather(*(post(n % 20) for n in range(40)))
    again = await asyncio.gather(*(post(n) for n in range(30)))

    assert sorted(first) == [200] * 20 + [202] * 20
    assert again == [200] * 20 + [202] * 10
    assert await count(hub, source["id"]) == 30


async def test_a_webhook_that_is_packed_is_refused_and_nothing_lands(hub: Hub) -> None:
    source = await make(hub, **WEBHOOK)
    body = gzip.compress(b'{"a": 1}')
    headers = {**signed(hub, body), "Content-Encoding": "gzip"}

    refused = await hub.nobody.post(f"/hooks/{source['id']}", content=body, headers=headers)

    assert (refused.status_code, await count(hub, source["id"])) == (415, 0), refused.text
    assert "not gzip" in refused.json()["detail"]


async def test_a_table_in_which_others_look_up_cannot_be_taken_away(hub: Hub) -> None:
    table = await make(hub, kind="csv", name="People")
    lookups = {"people": {"source": table["id"], "key": "id"}}
    user = await make(hub, kind="csv", name="Badges", recipe="csv-completions", lookups=lookups)

    refused = await hub.acme.delete(f"/api/sources/{table['id']}")

    assert refused.status_code == 409, refused.text
    assert f"Badges ({user['id']})" in refused.json()["detail"]
    assert (await hub.acme.delete(f"/api/sources/{user['id']}")).status_code == 204
    assert (await hub.acme.delete(f"/api/sources/{table['id']}")).status_code == 204


async def test_the_question_of_zoom_is_answered_and_nothing_lands(hub: Hub) -> None:
    source = await make(hub, **{**WEBHOOK, "signature": "zoom", "recipe": "zoom-attendance"})
    body = b'{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}'
    at = str(int(hub.clock().timestamp()))
    digest = hmac.new(SECRET.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-zm-request-timestamp": at, "x-zm-signature": f"v0={digest}"}

    asked = await hub.nobody.post(f"/hooks/{source['id']}", content=body, headers=headers)
    forged = await hub.nobody.post(
        f"/hooks/{source['id']}", content=body, headers={**headers, "x-zm-signature": "v0=00"}
    )

    answer = hmac.new(SECRET.encode(), b"abc", hashlib.sha256).hexdigest()
    assert asked.status_code == 200
    assert asked.json() == {"plainToken": "abc", "encryptedToken": answer}
    assert forged.status_code == 401
    assert await count(hub, source["id"]) == 0


async def test_a_table_is_not_reprocessed(hub: Hub) -> None:
    source = await make(hub, kind="csv", name="People", recipe=None)
    path = f"/api/sources/{source['id']}/files"
    file = (await hub.acme.post(path, content=b"number,email\n7,ada@example.org\n")).json()
    assert file["state"] == "done"

    refused = await hub.acme.post(f"{path}/{file['fileId']}/reprocess")

    assert refused.status_code == 409
    assert "has no recipe" in refused.text


async def test_bytes_that_were_removed_come_again_as_the_same_file(hub: Hub) -> None:
    source = await make(hub, kind="csv", name="Files", recipe="csv-completions", retentionDays=1)
    path = f"/api/sources/{source['id']}/files"
    file = (await hub.acme.post(path, content=b"a,b\n1,2\n")).json()
    await hub.house.source_files.note_removed([file["fileId"]])
    gone = await hub.acme.post(f"{path}/{file['fileId']}/reprocess")
    assert gone.status_code == 404

    again = await hub.acme.post(path, content=b"a,b\n1,2\n")

    assert (again.status_code, again.json()["fileId"]) == (200, file["fileId"])
    assert again.json()["removedAt"] is None
    assert again.json()["landedAt"] == file["landedAt"]
    assert (await hub.acme.post(f"{path}/{file['fileId']}/reprocess")).status_code == 202


async def test_a_source_takes_so_many_webhooks_a_second_and_no_more(hub: Hub) -> None:
    source = await make(hub, **{**WEBHOOK, "signature": "bearer", "ratePerSecond": 2})
    other = await make(hub, **{**WEBHOOK, "signature": "bearer"})

    async def post(number: int, source_id: str) -> int:
        sent = await hub.nobody.post(
            f"/hooks/{source_id}",
            json={"number": number},
            headers={"Authorization": f"Bearer {SECRET}"},
        )
        return sent.status_code

    assert [await post(n, source["id"]) for n in range(6)] == [202] * 4 + [429] * 2
    assert await post(0, other["id"]) == 202
    hub.clock.move(seconds=1)
    assert [await post(n, source["id"]) for n in range(6, 9)] == [202, 202, 429]
    assert await count(hub, source["id"]) == 6
