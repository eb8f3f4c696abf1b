"""One journey for each kind of source: from a real file, call or bucket to the sandbox's LRS."""

import asyncio
import gzip
import hashlib
import hmac
import json
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from config.listening import free_port
from tests.fakes.fault_proxy import HOST
from tests.fakes.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, running_s3
from tests.faults.filing import (
    COLUMNS,
    COURSE,
    ROADS,
    delivered,
    ended,
    make,
    rows,
    upload,
)
from tests.faults.memory import Highest
from tests.faults.stack import Prepared, Stack, open_stack

pytestmark = pytest.mark.slow

SECRET = "a secret of the sender"
BADGE = {
    "when": "{{eq kind 'badge'}}",
    "actor": {"mbox": "mailto:{{email}}"},
    "verb": {"id": "http://id.tincanapi.com/verb/earned"},
    "object": {"id": "https://acme.example/badges/{{badge}}"},
    "result": {"score": {"raw": "{{{points}}}"}},
    "timestamp": "{{at}}",
}


def badge(number: int, **fields: object) -> dict[str, object]:
    return {
        "kind": "badge",
        "email": f"ann{number}@example.org",
        "badge": f"b{number}",
        "points": number,
        "at": f"2026-03-02T09:00:{number:02}Z",
        **fields,
    }


async def test_an_uploaded_csv_file(prepared: Prepared, tmp_path: Path) -> None:
    async with open_stack(prepared, tmp_path, workers=2, roads=ROADS) as stack:
        source = await make(stack, kind="csv", recipe="csv-completions")
        content = f"{COLUMNS}\n{rows(0, 5000)}nobody,{COURSE},2026-03-02\n".encode()

        first = await upload(stack, source["id"], content)
        again = await upload(stack, source["id"], content)
        (file,) = await ended(stack, source["id"])
        await delivered(stack, 5000)

        assert (first.status_code, again.status_code) == (202, 200)
        assert first.json()["fileId"] == again.json()["fileId"] == file["fileId"]
        assert (file["rows"], file["statements"], file["new"]) == (5001, 5000, 5000)
        shown = await stack.client.get(f"/api/sources/{source['id']}/files/{file['fileId']}")
        (error,) = shown.json()["errors"]
        assert error == {
            "line": 5002,
            "field": "email",
            "reason": "must be an e-mail address",
        }

        path = f"/api/sources/{source['id']}/files/{file['fileId']}/reprocess"
        assert (await stack.client.post(path)).status_code == 202
        (file,) = await ended(stack, source["id"])
        assert (file["rows"], file["statements"], file["new"]) == (5001, 5000, 0)
        await delivered(stack, 5000)


async def test_a_webhook(prepared: Prepared, tmp_path: Path) -> None:
    async with open_stack(prepared, tmp_path, workers=1, roads=ROADS) as stack:
        source = await make(
            stack,
            kind="webhook",
            recipe="declarative",
            recipeOptions=BADGE,
            signature="github",
            secret=SECRET,
        )
        for number in range(3):
            body = json.dumps(badge(number, kind="badge" if number else "ping")).encode()
            signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            taken = await stack.client.post(
                f"/hooks/{source['id']}",
                content=body,
                headers={"X-Hub-Signature-256": signature, "X-GitHub-Delivery": str(number)},
                auth=None,  # type: ignore[arg-type]  # without a key of ours
            )
            assert taken.status_code == 202, taken.text
        found = await ended(stack, source["id"], 3)
        held = await delivered(stack, 2)

        assert {one["actor"]["mbox"] for one in held} == {
            "mailto:ann1@example.org",
            "mailto:ann2@example.org",
        }
        assert held[0]["result"] == {"score": {"raw": 1}}
        assert [one["skipped"] for one in found] == [0, 0, 1]


@pytest.fixture
async def events() -> AsyncIterator[tuple[str, list[dict[str, object]], list[str]]]:
    """Run an API with pages of two, a token, and one answer of 503 at first."""
    kept: list[dict[str, object]] = [badge(number) for number in range(5)]
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query_string)
        if request.headers.get("Authorization") != "Bearer a-token":
            return web.Response(status=401)
        if len(asked) == 1:
            return web.Response(status=503, headers={"Retry-After": "1"})
        since = request.query.get("since", "")
        found = [one for one in kept if str(one["at"]) >= since]
        page = int(request.query.get("cursor", "0"))
        further = page + 2 if page + 2 < len(found) else None
        return web.json_response({"events": found[page : page + 2], "meta": {"next": further}})

    app = web.Application()
    app.router.add_get("/events", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port(HOST)
    await web.TCPSite(runner, HOST, port).start()
    yield f"http://{HOST}:{port}/events", kept, asked
    await runner.cleanup()


async def test_an_api_that_is_asked(
    prepared: Prepared,
    tmp_path: Path,
    events: tuple[str, list[dict[str, object]], list[str]],
) -> None:
    url, kept, asked = events
    async with open_stack(prepared, tmp_path, workers=2, roads=ROADS) as stack:
        source = await make(
            stack,
            kind="poll",
            recipe="declarative",
            recipeOptions=BADGE,
            url=url,
            intervalSeconds=1,
            auth={"type": "bearer", "token": "a-token"},
            records="/events",
            paging={"type": "cursor", "field": "/meta/next"},
            cursor={"field": "at", "parameter": "since"},
        )
        await delivered(stack, 5)
        kept.append(badge(9))
        held = await delivered(stack, 6)

        assert held[-1]["object"]["id"] == "https://acme.example/badges/b9"
        assert "since=2026-03-02T09:00:04Z" in asked
        shown = (await stack.client.get(f"/api/sources/{source['id']}")).json()
        assert shown["trouble"] is None
        assert shown["secrets"] == ["auth.token"]
        assert "a-token" not in json.dumps(shown)


@pytest.mark.parametrize("kind", ["moto", "rclone"])
async def test_a_bucket_and_a_landing_store_in_s3(
    kind: str, prepared: Prepared, tmp_path: Path
) -> None:
    async with running_s3(kind, tmp_path / "s3") as s3:
        landing = {"landing_url": f"s3://{BUCKET}/landed", "s3_endpoint": s3.endpoint}
        async with open_stack(prepared, tmp_path, workers=0, roads=ROADS, **landing) as stack:
            assert stack.web is not None
            await stack.kill_web()
            stack.environ |= s3.environ
            await stack.start_web()
            await stack.start_worker()
            await s3.put("inbox/a.csv", f"{COLUMNS}\n{rows(0, 3000)}".encode())
            source = await make(
                stack,
                kind="bucket",
                recipe="csv-completions",
                url=f"s3://{BUCKET}",
                prefix="inbox",
                endpoint=s3.endpoint,
                region="us-east-1",
                accessKeyId=ACCESS_KEY,
                secretAccessKey=SECRET_KEY,
                intervalSeconds=3600,
                secret="announced",
            )
            await ended(stack, source["id"])
            await delivered(stack, 3000)

            await s3.put("inbox/b.csv", f"{COLUMNS}\n{rows(3000, 10)}".encode())
            told = await stack.client.post(
                f"/hooks/{source['id']}",
                json={"Records": [{"s3": {"object": {"key": "inbox/b.csv"}}}]},
                headers={"Authorization": "Bearer announced"},
                auth=None,  # type: ignore[arg-type]  # without a key of ours
            )
            assert told.status_code == 202, told.text
            await ended(stack, source["id"], 2)
            await delivered(stack, 3010)


async def test_a_folder_of_files(prepared: Prepared, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    (inbox / "in").mkdir(parents=True)
    async with open_stack(
        prepared, tmp_path, workers=1, roads=ROADS, bucket_folders=str(inbox)
    ) as stack:
        (inbox / "in" / "a.csv").write_text(f"{COLUMNS}\n{rows(0, 10)}")
        (inbox / "in" / "b.csv.gz").write_bytes(
            gzip.compress(f"{COLUMNS}\n{rows(10, 10)}".encode())
        )
        lines = [
            dict(zip(COLUMNS.split(","), row.split(","), strict=True))
            for row in rows(20, 10).splitlines()
        ]
        (inbox / "in" / "c.jsonl").write_text("\n".join(map(json.dumps, lines)))
        (inbox / "in" / "d.json").write_text(json.dumps([{**lines[0], "email": "x@example.org"}]))
        (inbox / "elsewhere.csv").write_text(f"{COLUMNS}\n{rows(100, 10)}")
        source = await make(
            stack,
            kind="bucket",
            recipe="csv-completions",
            url=f"file://{inbox}",
            prefix="in",
            intervalSeconds=1,
        )
        await ended(stack, source["id"], 4)
        await delivered(stack, 31)

        (inbox / "in" / "a.csv").write_text(f"{COLUMNS}\n{rows(0, 12)}")
        await ended(stack, source["id"], 5)
        await delivered(stack, 31)
        (inbox / "in" / "a.csv").write_text(f"{COLUMNS}\n{rows(0, 10)}{rows(40, 2)}")
        await ended(stack, source["id"], 6)
        await delivered(stack, 33)


def hostile(folder: Path) -> dict[str, tuple[Path, str]]:
    """Write files that want to be a worker's end; each with what is to be told of it."""
    mebibyte = 1024 * 1024
    made: dict[str, tuple[Path, str]] = {}

    def write(name: str, told: str, parts: Iterable[bytes]) -> None:
        path = folder / name
        with path.open("wb") as file:
            file.writelines(parts)
        made[name] = path, told

    too_long = "line 1: has more than 1024 KiB in one line"
    write("columns.csv", too_long, (b"c%07d," % n for n in range(10_000_000)))
    write("binary.csv", "is not text", (bytes(range(256)) * 4096 for _ in range(20)))
    unclosed = f'{COLUMNS}\n"ann@example.org,'.encode()
    lines = (b"x" * 1000 + b"\n" for _ in range(50_000))
    write("quote.csv", "line 2: a quote is opened here, and not closed", [unclosed, *lines])
    machine = zlib.compressobj(9, wbits=31)
    bomb = [machine.compress(bytes(mebibyte)) for _ in range(1000)]
    write("bomb.csv.gz", "unpacks to more than 200 times", [*bomb, machine.flush()])
    endless = [b"a,b\n", *(b"x" * mebibyte for _ in range(60))]
    write("line.csv", "line 2: a record has more than 1024 KiB", endless)
    mixed = f"{COLUMNS}\n{rows(900, 1)}".encode() + b"caf\xe9@example.org,x,y\n"
    fits_not = "line 3: email: has bytes that do not fit the encoding of the file"
    lone = b"\xed\xa0\x80@example.org,x,y\n"
    write("mixed.csv", fits_not, [mixed, "müller,x,y\n".encode() * 1000, lone * 100])
    formula = f"{COLUMNS}\n=HYPERLINK(A1),{COURSE},2026-03-02\n".encode()
    write("formula.csv", "line 2: email: must be an e-mail address", [formula])
    line = b'{"email": "\\ud800@example.org", "course_uri": "x", "completed_at": "y"}\n'
    write("surrogates.jsonl", "line 1: is no JSON", [line * 1000])
    write("nested.json", "is no JSON", [b"[" * 5 * mebibyte])
    return made


async def told(stack: Stack, file: Mapping[str, Any]) -> str:
    """Give all that is told of a file and of its first records."""
    path = f"/api/sources/{file['sourceId']}/files/{file['fileId']}"
    errors = (await stack.client.get(path)).raise_for_status().json()["errors"]
    places = [
        ": ".join(filter(None, (f"line {one['line']}", one["field"], one["reason"])))
        for one in errors
    ]
    return "\n".join([str(file["trouble"]), *places])


async def test_files_that_want_to_be_a_workers_end(prepared: Prepared, tmp_path: Path) -> None:
    async with open_stack(prepared, tmp_path, workers=1, roads=ROADS) as stack:
        source = await make(stack, kind="csv", recipe="csv-completions")
        (worker,) = stack.workers
        assert stack.web is not None
        of_worker, of_web = Highest(worker.pid), Highest(stack.web.pid)
        async with of_worker, of_web:
            expected = {}
            for name, (path, words) in hostile(tmp_path).items():
                answer = await stack.client.post(
                    f"/api/sources/{source['id']}/files",
                    content=_parts(path),
                    params={"name": name},
                )
                assert answer.status_code == 202, answer.text
                expected[name] = words
            formula = f"formula@example.org,{COURSE},2026-03-02T09:00:00Z,=1+1\n"
            good = f"{COLUMNS},course_name\n{formula}".encode()
            await upload(stack, source["id"], good)
            found = await ended(stack, source["id"], len(expected) + 1)
        held = await delivered(stack, 2)

        for file in found:
            assert expected.get(file["name"], "None") in await told(stack, file)
        assert "mailto:formula@example.org" in {one["actor"]["mbox"] for one in held}
        assert worker.returncode is None
        assert 0 < of_worker.mebibytes < 300
        assert 0 < of_web.mebibytes < 300


async def _parts(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while part := await asyncio.to_thread(file.read, 256 * 1024):
            yield part


RECIPE = """
from hub.recipes.kit import activity, agent, statement, verb

def ours(record, context):
    return statement(actor=agent(record.needed("email")), verb=verb("http://x.example/v", "did"),
                     object=activity("http://x.example/o"))
"""


async def test_a_file_of_recipes_that_never_ends(prepared: Prepared, tmp_path: Path) -> None:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "ours.py").write_text(RECIPE)
    (recipes / "endless.py").write_text("while True:\n    pass\n")
    (recipes / "ends.py").write_text("import os\nos._exit(1)\n")
    async with open_stack(
        prepared, tmp_path, workers=1, roads=ROADS, recipes_dir=str(recipes)
    ) as stack:
        (worker,) = stack.workers
        sources = [await make(stack, kind="csv", recipe=one) for one in ("csv-completions", "ours")]
        for source in sources:
            await upload(stack, source["id"], f"{COLUMNS}\n{rows(0, 10)}".encode())
        for source in sources:
            (file,) = await ended(stack, source["id"])
            assert (file["state"], file["statements"]) == ("done", 10)
        await delivered(stack, 20)

        listed = (await stack.client.get("/api/recipes")).json()
        assert listed["faults"] == {
            "endless.py": "takes longer than 10 s to be read",
            "ends.py": "ends the process that reads it",
        }
        assert worker.returncode is None
