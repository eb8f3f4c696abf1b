"""Sources in the portal: made, changed and tried, and what became of their files."""

import re
from pathlib import Path

import pytest

from hub.portal.pages.sources.form import OFFERED
from hub.registry.sql.database import Database
from tests.hub.api.conftest import Hub
from tests.hub.api.works import Works
from tests.hub.portal.conftest import Browser

EVIL = "<script>alert(1)</script>"
ROOT = "/portal/sources"
Keys = dict[str, str]

CSV = (
    b"email,course_uri,completed_at\n"
    b"ann@example.org,https://acme.example/c,2026-03-02T09:00:00Z\n"
    b"<script>,https://acme.example/c,2026-03-02T09:00:00Z\n"
)


async def test_a_file_is_sent_read_and_read_again(
    browser: Browser, keys: Keys, hub: Hub, tmp_path: Path, database: Database
) -> None:
    await hub.integrate()
    works = Works(hub.house, tmp_path, database)
    form = {"name": EVIL, "kind": "csv", "recipe": "csv-completions"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    await browser.sign_in(keys["acme"])
    await browser.go("/portal/sources")
    assert EVIL not in browser.answer.text
    page = await browser.go(f"/portal/sources/{made['id']}")
    assert "Nothing has landed yet" in browser.text
    (action,) = re.findall(r'enctype="multipart/form-data" data-upload action="([^"]+)"', page.text)

    sent = await browser.client.post(
        action, files={"file": ("january.csv", CSV)}, follow_redirects=True
    )
    assert sent.status_code == 200
    assert "january.csv" in sent.text
    assert "<progress" in sent.text
    await works.run()
    await browser.go(sent.url.path)
    assert "Statements 1 Of these new 1" in browser.text
    assert "must be an e-mail address" in browser.text
    await browser.send(f"{sent.url.path}/reprocess")
    hub.clock.move(seconds=61)
    await works.run()
    await browser.go(sent.url.path)
    assert "It was read again: none of its statements is new" in browser.text
    assert "Statements 1 Of these new 0" in browser.text

    too_large = await browser.client.post(action, files={"file": ("b.csv", b"y" * 55_000)})
    assert too_large.status_code == 413
    assert 'role="alert"' in too_large.text
    bare = action.partition("?")[0]
    for path in (bare, f"{bare}?csrf=wrong"):
        assert (await browser.client.post(path, files={"file": ("c", b"x")})).status_code == 403
    listed = (await hub.acme.get(f"/api/sources/{made['id']}/files")).json()["items"]
    assert len(listed) == 1


async def test_sources_of_others_are_not_there(browser: Browser, keys: Keys, hub: Hub) -> None:
    form = {"name": "Old LMS", "kind": "csv", "recipe": "csv-completions"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    await browser.sign_in(keys["other"])
    await browser.go("/portal/sources")
    assert "Old LMS" not in browser.text
    assert (await browser.go(f"/portal/sources/{made['id']}")).status_code == 404


async def test_whoever_may_only_read_can_send_no_file(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    form = {"name": "Old LMS", "kind": "csv", "recipe": "csv-completions"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    await browser.sign_in(keys["reader"])
    page = await browser.go(f"/portal/sources/{made['id']}")
    assert "multipart" not in page.text
    (token,) = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    sent = await browser.client.post(
        f"/portal/sources/{made['id']}/files?csrf={token}", files={"file": ("a.csv", CSV)}
    )
    assert sent.status_code == 403


async def test_the_form_of_a_source_says_what_each_recipe_takes(
    browser: Browser, keys: Keys
) -> None:
    await browser.sign_in(keys["acme"])
    page = await browser.go("/portal/sources/add/csv")
    assert "the options <code>webinarId</code> (or <code>meetingId</code>)" in page.text
    assert page.text.count('<option value="declarative"') == 1
    assert "{{eq state 'done'}}" in browser.text


ROW = "E-mail;course_uri;completed_at\nann@example.org;https://acme.example/c;2026-03-02T09:00:00Z"
FORMS: dict[str, dict[str, str]] = {
    "webhook": {"signature.scheme": "github", "secret": "s3cr3t-of-hooks", "ratePerSecond": "9"},
    "poll": {
        "url": "https://crm.example.org/api",
        "intervalSeconds": "60",
        "auth.type": "bearer",
        "auth.token": "s3cr3t-t0ken",
        "paging.type": "page",
        "paging.size": "50",
        "cursor.field": "updated",
        "cursor.parameter": "since",
    },
    "csv": {"delimiter": ";", "columns": "E-mail = email"},
    "bucket": {
        "url": "s3://exports",
        "prefix": "daily/",
        "region": "eu-central-1",
        "accessKeyId": "AKIA",
        "secretAccessKey": "s3cr3t-access",
        "secret": "s3cr3t-announced",
        "intervalSeconds": "600",
    },
}
COMMON = {"name": "Records", "recipe": "csv-completions", "retentionDays": "30", "whom": "all"}


@pytest.mark.parametrize("kind", FORMS)
async def test_a_source_of_each_kind_is_added_changed_and_deleted(
    browser: Browser, keys: Keys, hub: Hub, kind: str
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add")
    assert f'href="{ROOT}/add/{kind}"' in browser.answer.text
    page = await browser.go(f"{ROOT}/add/{kind}")
    assert 'class="modal"' in page.text
    added = await browser.send(f"{ROOT}/add/{kind}", **COMMON, **FORMS[kind])
    root = added.url.path
    assert re.fullmatch(rf"{ROOT}/[0-9a-f-]{{36}}", root), browser.text
    assert "s3cr3t" not in added.text
    made = (await hub.acme.get(f"/api/sources/{root.rpartition('/')[2]}")).json()
    assert (made["kind"], made["recipe"], made["retentionDays"]) == (kind, "csv-completions", 30)

    page = await browser.go(f"{root}/edit")
    assert "s3cr3t" not in page.text
    blank = {name: "" for name in FORMS[kind] if "s3cr3t" in FORMS[kind][name]}
    form = {**COMMON, **FORMS[kind], **blank, "name": EVIL, "retentionDays": ""}
    revision = {"revision": str(made["revision"])}
    assert (await browser.send(f"{root}/edit", **form, **revision)).url.path == root, browser.text
    assert EVIL not in browser.answer.text
    changed = (await hub.acme.get(f"/api/sources/{root.rpartition('/')[2]}")).json()
    assert (changed["name"], changed["retentionDays"]) == (EVIL, None)
    assert changed["secrets"] == made["secrets"]
    unchanged = set(made) - {"name", "retentionDays", "revision", "updatedAt", "nextAt"}
    assert {name: changed[name] for name in unchanged} == {name: made[name] for name in unchanged}

    overtaken = await browser.send(f"{root}/edit", **form, **revision)
    assert overtaken.status_code == 412
    assert "Somebody else changed it meanwhile" in browser.text

    await browser.go(f"{root}/delete")
    assert "Nothing has landed from it" in browser.text
    assert (await browser.send(f"{root}/delete")).url.path == ROOT
    assert (await browser.go(root)).status_code == 404


async def test_what_is_wrong_with_a_source_is_told_beside_its_field(
    browser: Browser, keys: Keys
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add/poll")
    wrong = {**COMMON, **FORMS["poll"], "auth.token": "", "intervalSeconds": "often"}
    answer = await browser.send(f"{ROOT}/add/poll", **wrong)
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert "the type bearer needs token" in browser.text
    assert 'value="https://crm.example.org/api"' in answer.text
    answer = await browser.send(f"{ROOT}/add/poll", **{**wrong, "recipeOptions": "{"})
    assert "is no JSON, at line 1" in browser.text
    options = '{"columns": 7}'
    answer = await browser.send(f"{ROOT}/add/csv", **{**COMMON, "recipeOptions": options})
    assert answer.status_code == 422
    assert "columns" in browser.text
    assert (await browser.go(f"{ROOT}/add/pigeon")).status_code == 404


async def test_a_recipe_is_tried_on_a_sample_before_it_is_saved(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add/csv")
    form = {**COMMON, **FORMS["csv"]}
    await browser.send(f"{ROOT}/add/csv/try", **form, sample=ROW)
    assert "1 statement would be made of it" in browser.text
    assert "mailto:ann@example.org" in browser.text
    assert "E-mail = email" in browser.answer.text

    await browser.send(f"{ROOT}/add/csv/try", **form, sample=ROW.replace("ann@", EVIL))
    assert "must be an e-mail address" in browser.text
    assert EVIL not in browser.answer.text
    answer = await browser.send(f"{ROOT}/add/csv/try", **{**form, "recipe": ""}, sample="x")
    assert answer.status_code == 422
    assert "choose one to try" in browser.text
    assert "must be one record" in browser.text
    assert (await hub.acme.get("/api/programs/ACME/sources")).json()["items"] == []


async def test_a_webhook_tells_its_address_and_how_to_sign(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add/webhook")
    added = await browser.send(f"{ROOT}/add/webhook", **COMMON, **FORMS["webhook"])
    source_id = added.url.path.rpartition("/")[2]
    assert f'value="http://hub/hooks/{source_id}"' in added.text
    assert "X-Hub-Signature-256" in browser.text
    assert "Give the address and the secret to the sender" in browser.text


async def test_a_source_that_is_asked_says_when_and_is_asked_now(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    form = {"name": "CRM", "kind": "poll", "url": "https://crm.example.org/api"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/{made['id']}")
    assert "Last asked never" in browser.text
    await browser.send(f"{ROOT}/{made['id']}/ask")
    assert "It is asked now" in browser.text


async def test_statements_go_to_chosen_integrations_and_tables_are_looked_up_in(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    integration = await hub.integrate()
    table = {"name": "People", "kind": "csv"}
    people = (await hub.acme.post("/api/programs/ACME/sources", json=table)).json()
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add/csv")
    assert "Acme to the LMS" in browser.text
    lookup = {"name": "people", "source": people["id"], "key": "no"}
    fields = {f"lookup.0.{name}": value for name, value in lookup.items()}
    chosen = {**COMMON, "whom": "these", f"to.{integration}": "on", **fields}
    added = await browser.send(f"{ROOT}/add/csv", **chosen)
    source_id = added.url.path.rpartition("/")[2]
    made = (await hub.acme.get(f"/api/sources/{source_id}")).json()
    assert made["integrations"] == [integration]
    assert made["lookups"] == {"people": {"source": people["id"], "key": "no"}}
    page = await browser.go(f"{ROOT}/{source_id}/edit")
    assert re.search(rf'name="to.{integration}" checked', page.text)
    assert 'name="lookup.2.name"' in page.text


async def test_a_table_that_is_not_offered_stays_chosen(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    path = "/api/programs/ACME/sources"
    for number in range(OFFERED + 1):
        table = {"name": f"Table {number}", "kind": "csv"}
        (await hub.acme.post(path, json=table)).raise_for_status()
    *_, last = (await hub.acme.get(path, params={"limit": 500})).json()["items"]
    source = {
        "name": "Rows",
        "kind": "csv",
        "recipe": "csv-completions",
        "lookups": {"people": {"source": last["id"], "key": "no"}},
    }
    made = (await hub.acme.post(path, json=source)).json()
    await browser.sign_in(keys["acme"])

    page = await browser.go(f"{ROOT}/{made['id']}/edit")

    assert f'<option value="{last["id"]}" selected>' in page.text


async def test_errors_come_in_pages(
    browser: Browser, keys: Keys, hub: Hub, tmp_path: Path, database: Database
) -> None:
    await hub.integrate()
    form = {"name": "Old LMS", "kind": "csv", "recipe": "csv-completions"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    rows = b"email,course_uri,completed_at\n" + b"nobody,https://a.example/c,noon\n" * 60
    path = f"/api/sources/{made['id']}/files"
    landed = (await hub.acme.post(f"{path}?name=bad.csv", content=rows)).json()
    await Works(hub.house, tmp_path, database).run()
    await browser.sign_in(keys["reader"])
    page = await browser.go(f"{ROOT}/{made['id']}/files/{landed['fileId']}")
    assert "The first 50 of 60" in browser.text
    page = await browser.go(f"{ROOT}/{made['id']}/files/{landed['fileId']}/errors")
    assert "60 records made no statement" in browser.text
    (further,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    page = await browser.go(page.url.path + further.replace("&amp;", "&"))
    assert page.text.count("<tr><td") == 10


async def test_a_file_can_be_sent_with_its_progress_shown(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    form = {"name": "Old LMS", "kind": "csv", "recipe": "csv-completions"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    await browser.sign_in(keys["acme"])
    page = await browser.go(f"{ROOT}/{made['id']}")
    assert "/portal/static/upload.js" in page.text
    (action,) = re.findall(r'data-upload action="([^"]+)"', page.text)
    by_script = {"X-Dialog": "yes"}
    sent = await browser.client.post(action, files={"file": ("a.csv", CSV)}, headers=by_script)
    assert sent.status_code == 204
    assert sent.headers["x-go"].startswith(f"{ROOT}/{made['id']}/files/")


SECRETS = {
    ("webhook", "secret"): {"ratePerSecond": "many"},
    ("poll", "auth.token"): {"intervalSeconds": "no number"},
    ("bucket", "secretAccessKey"): {"url": "ftp://exports"},
}
AGAIN = "Type it again: a secret is never sent back to the page."


@pytest.mark.parametrize(("kind", "field"), SECRETS)
async def test_a_secret_has_to_be_typed_again_when_the_form_comes_back(
    browser: Browser, keys: Keys, kind: str, field: str
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add/{kind}")
    assert AGAIN not in browser.answer.text

    form = {**COMMON, **FORMS[kind], "secret": "", field: "s3cr3t-typed", **SECRETS[kind, field]}
    page = await browser.send(f"{ROOT}/add/{kind}", **form)

    assert page.status_code == 422
    assert "s3cr3t-typed" not in page.text
    assert page.text.count(AGAIN) == 1
    told = page.text.partition(f'id="{field}-help"')[2].partition("</small>")[0]
    assert AGAIN in told


async def test_an_address_of_another_server_needs_the_secret_again(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{ROOT}/add/poll")
    root = (await browser.send(f"{ROOT}/add/poll", **COMMON, **FORMS["poll"])).url.path
    await browser.go(f"{root}/edit")
    form = {**COMMON, **FORMS["poll"], "auth.token": "", "url": "https://evil.example.org/"}

    page = await browser.send(f"{root}/edit", **form)

    assert page.status_code == 422
    told = page.text.partition('id="auth.token-help"')[2].partition("</small>")[0]
    assert "must be given again" in told
    assert "kept" not in told
    again = await browser.send(f"{root}/edit", **{**form, "auth.token": "another"})
    assert again.url.path == root


async def test_a_file_that_was_sent_before_says_so(browser: Browser, keys: Keys, hub: Hub) -> None:
    form = {"name": "Old LMS", "kind": "csv", "recipe": "csv-completions"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    await browser.sign_in(keys["acme"])
    page = await browser.go(f"{ROOT}/{made['id']}")
    (action,) = re.findall(r'data-upload action="([^"]+)"', page.text)
    post = browser.client.post

    first = await post(action, files={"file": ("a.csv", CSV)}, follow_redirects=True)
    again = await post(action, files={"file": ("b.csv", CSV)}, follow_redirects=True)

    told = "These bytes were sent before"
    assert first.url == again.url
    assert (told in first.text, told in again.text) == (False, True)


async def test_the_bytes_of_a_file_can_be_downloaded(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    form = {"name": "Old LMS", "kind": "csv", "recipe": "csv-completions"}
    made = (await hub.acme.post("/api/programs/ACME/sources", json=form)).json()
    path = f"/api/sources/{made['id']}/files"
    landed = (await hub.acme.post(f"{path}?name=bad.html", content=b"<script>")).json()
    await browser.sign_in(keys["reader"])
    page = await browser.go(f"{ROOT}/{made['id']}/files/{landed['fileId']}")
    (way,) = re.findall(r'href="([^"]+/download)"', page.text)
    assert "Read again" not in browser.text
    assert "Mend the file" not in browser.text

    answer = await browser.go(way)

    assert answer.content == b"<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="bad.html"'
    assert answer.headers["content-length"] == "8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_bucket_says_how_a_topic_is_told_of_it(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    arn = "arn:aws:sns:eu-central-1:123456789012:exports"
    form = {**FORMS["bucket"], "intervalSeconds": 600, "topicArn": arn}
    made = await hub.acme.post(
        "/api/programs/ACME/sources", json={"name": "Exports", "kind": "bucket", **form}
    )
    await browser.sign_in(keys["reader"])

    await browser.go(f"{ROOT}/{made.json()['id']}")

    assert f"notifications to the topic {arn} , and give the topic a subscription" in browser.text
