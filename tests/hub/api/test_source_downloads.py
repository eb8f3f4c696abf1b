"""The bytes of a landed file as they came: for whoever may read them, as a download and no page."""

import asyncio
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from hub.api import source_downloads
from hub.api.source_downloads import CutShort, attachment
from hub.pipeline.keeping.retention import Retention
from tests.hub.api.conftest import Hub

PAGE = b"<html><script>alert(1)</script>"


async def make(hub: Hub, **said: object) -> str:
    form = {"name": "Files", "kind": "csv", "recipe": None, **said}
    made = await hub.acme.post("/api/programs/ACME/sources", json=form)
    assert made.status_code == 201, made.text
    return f"/api/sources/{made.json()['id']}/files"


async def land(hub: Hub, files: str, content: bytes, name: str = "rows.csv") -> str:
    sent = await hub.acme.post(files, content=content, params={"name": name})
    assert sent.status_code == 202, sent.text
    return f"{files}/{sent.json()['fileId']}/download"


async def test_a_file_is_given_as_it_landed_and_whoever_takes_it_is_noted(hub: Hub) -> None:
    path = await land(hub, await make(hub), PAGE, "page.html")

    answer = await hub.reader.get(path)

    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    deeds = (await hub.acme.get("/api/programs/ACME/audit", params={"kind": "file"})).json()
    newest = deeds["items"][0]
    assert newest["action"] == "downloaded"
    assert newest["by"].startswith("reader ")
    assert newest["changes"]["bytes"] == len(PAGE)


async def test_a_file_of_any_length_comes_part_by_part(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_downloads, "PART", 1000)
    files = await make(hub)
    content = bytes(range(256)) * 20
    path = await land(hub, files, content)
    asked: list[int] = []
    read = hub.house.landing.read

    async def noted(place: str, start: int, length: int) -> bytes:
        asked.append(length)
        return await read(place, start, length)

    monkeypatch.setattr(hub.house.landing, "read", noted)

    assert (await hub.acme.get(path)).content == content
    assert max(asked) == 1000
    assert sum(asked) == len(content)


async def test_of_a_bundle_only_the_file_is_given(hub: Hub) -> None:
    said = {"kind": "webhook", "signature": "bearer", "secret": "s", "recipe": "github"}
    files = await make(hub, **said)
    hook = files.replace("/api/sources", "/hooks").removesuffix("/files")

    async def post(number: int) -> str:
        sent = await hub.nobody.post(
            hook, json={"number": number}, headers={"Authorization": "Bearer s"}
        )
        return str(sent.json()["fileId"])

    ids = await asyncio.gather(*(post(number) for number in range(5)))
    for number, file_id in enumerate(ids):
        assert (await hub.acme.get(f"{files}/{file_id}/download")).json() == {"number": number}


async def test_what_is_not_there_or_not_yours_is_not_found(hub: Hub, tmp_path: Path) -> None:
    files = await make(hub, retentionDays=1)
    path = await land(hub, files, b"a,b\n1,2\n")
    await land(hub, files, b"a,b\n3,4\n")
    other = await make(hub)

    assert (await hub.other.get(path)).status_code == 404
    assert (await hub.nobody.get(path)).status_code == 401
    assert (await hub.acme.get(f"{files}/nothing/download")).status_code == 404
    assert (await hub.acme.get(path.replace(files, other))).status_code == 404

    for one in (tmp_path / "landing").rglob("*"):
        one.unlink() if one.is_file() else None
    gone = await hub.acme.get(path)
    assert (gone.status_code, gone.json()["status"]) == (404, 404)
    await hub.acme.delete(files.removesuffix("/files"))
    await Retention(hub.house.source_files, hub.house.landing).run()
    assert (await hub.acme.get(path)).status_code == 404


async def test_bytes_that_were_removed_are_told(hub: Hub) -> None:
    files = await make(hub, retentionDays=1)
    path = await land(hub, files, b"a,b\n1,2\n")
    hub.clock.move(seconds=1)
    await land(hub, files, b"a,b\n3,4\n")
    hub.clock.now += timedelta(days=3)
    await Retention(hub.house.source_files, hub.house.landing).run()

    gone = await hub.acme.get(path)

    assert gone.status_code == 404
    assert "are no longer kept" in gone.json()["detail"]


async def test_an_answer_that_cannot_be_whole_is_cut_short(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_downloads, "PART", 10)
    path = await land(hub, await make(hub), b"0123456789" * 3)
    read = hub.house.landing.read

    async def shrinking(place: str, start: int, length: int) -> bytes:
        return b"" if start else await read(place, start, length)

    async def vanishing(place: str, start: int, length: int) -> bytes:
        return await read("nothing" if start else place, start, length)

    for reading in (shrinking, vanishing):
        monkeypatch.setattr(hub.house.landing, "read", reading)
        with pytest.raises(CutShort, match="at 10 of 30"):
            await hub.acme.get(path)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("rows.csv", "rows.csv"),
        ("../../etc/passwd", "etcpasswd"),
        ('a"; filename="b.exe', "a; filename=b.exe"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie x=1"),
        ("müllers Kurse +.csv", "müllers Kurse +.csv"),
        ("cod\u202egpj.exe", "codgpj.exe"),
        ("...", "file"),
        ("\ud800\0", "file"),
        ("x" * 500 + ".csv.gz", "x" * 117 + ".gz"),
        ("." + "y" * 500, "y" * 120),
    ],
)
def test_a_name_is_safe_whatever_it_says(name: str, kept: str) -> None:
    header = attachment(name)

    assert header.isascii()
    assert header.isprintable()
    start, _, extended = header.partition("; filename*=UTF-8''")
    assert start.startswith('attachment; filename="')
    assert start.count('"') == 2
    assert (unquote(extended) or start.split('"')[1]) == kept
