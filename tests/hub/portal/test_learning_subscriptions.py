"""The pages of subscriptions: the list, the template editor, sending again, ending one."""

import re

import httpx
import pytest

from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser
from tests.hub.portal.learning import COURSE, ROOT, publish, subscribe, subscribed

Keys = dict[str, str]
LIST = f"{ROOT}/subscriptions"
ONE = f"{LIST}/OTHER"
TRAP = '{\n"n": {{n}}}'
FORM = {
    "enabled": "on",
    "key-0": "COURSE",
    "action-0": "import",
    "label-0": "Courses",
    "process-0": "7",
    "template-0": '{\r\n"n": {{n}}\r\n}',
    "key-1": "*",
    "action-1": "ignore",
}


@pytest.fixture
async def staff(browser: Browser, keys: Keys) -> Browser:
    """Sign in with a SYSTEM key, and look at ACME."""
    await browser.sign_in(keys["admin"])
    await browser.go("/portal/programs")
    await browser.send("/portal/programs", program="ACME")
    return browser


async def test_a_program_is_subscribed_and_its_templates_come_next(
    staff: Browser, hub: Hub
) -> None:
    await staff.go(LIST)
    assert "ACME is subscribed to nobody." in staff.text
    await staff.go(f"{ROOT}/subscription/add")
    assert "OTHER: Other" in staff.text
    assert 'value="ACME"' not in staff.answer.text

    await staff.send(LIST, PublisherProgramId="NOBODY")
    assert "there is no program NOBODY" in staff.text
    answer = await staff.send(LIST, PublisherProgramId="OTHER")
    assert answer.url.path == ONE
    assert "Say what becomes of its events." in staff.text
    assert "Nothing is imported yet." in staff.text
    assert (await subscribed(hub))["SyncEnabled"] is False
    await staff.go(f"{ROOT}/subscription/add")
    assert "subscribed to every other program" in staff.text
    await staff.go(LIST)
    assert "switched off" in staff.text


async def test_among_many_programs_one_is_looked_for_by_its_name(
    staff: Browser, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.portal.pages.learning.subscriptions.OFFERED", 2)
    for number in range(3):
        made = {"ProgramId": f"ZETA{number}", "Name": f"Number {number}"}
        assert (await hub.system.post("/api/programs", json=made)).status_code == 201

    add = f"{ROOT}/subscription/add"
    await staff.go(add)
    assert "There are more programs than are offered here" in staff.text
    assert "ZETA2" not in staff.text

    await staff.go(add, q="number 2")
    assert "ZETA2: Number 2" in staff.text
    assert "There are more" not in staff.text
    await staff.send(LIST, PublisherProgramId="ACME", q="number 2")
    assert "ZETA2: Number 2" in staff.text

    await staff.go(add, q="<nobody>")
    assert "No program that could be subscribed to fits “<nobody>”." in staff.text


async def test_the_list_tells_how_far_each_is_synced_and_what_waits(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await subscribe(hub)
    await publish(hub, "OTHER-1")
    await browser.sign_in(keys["reader"])

    await browser.go(LIST)

    assert "COURSE, all others (ignored) never synced 1" in browser.text
    assert "End the subscription" not in browser.text


async def test_templates_are_shown_with_rows_of_recent_events(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    await publish(hub, "OTHER-1", PublisherEventData={"n": 41})
    await publish(hub, "OTHER-2", PublisherEventData={"n": "<b>many</b>"})

    shown = await staff.go(ONE)

    assert '"n": 41' in staff.text
    assert "no row" in staff.text
    assert "<b>many" not in shown.text
    assert 'data-line="2"' in shown.text
    assert "What it makes" in staff.text


async def test_templates_are_saved_as_they_were_typed(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    await staff.go(ONE)

    await staff.send(ONE, **FORM, do="save")

    assert "The subscription is saved." in staff.text
    found = await subscribed(hub)
    assert found["LbApiPayloadTemplate"] == {
        "COURSE": {
            "action": "import",
            "label": "Courses",
            "importProcessId": 7,
            "batchRowTemplate": '{\n"n": {{n}}\n}',
        },
        "*": {"action": "ignore"},
    }
    assert found["SyncEnabled"] is True
    off = {name: value for name, value in FORM.items() if name != "enabled"}
    await staff.send(ONE, **off, do="save")
    assert (await subscribed(hub))["SyncEnabled"] is False


async def test_a_bad_template_is_refused_with_its_line_and_column(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    await staff.go(ONE)

    answer = await staff.send(ONE, **{**FORM, "template-0": TRAP}, do="save")

    assert answer.status_code == 422
    assert "Nothing is saved: 1 category needs another look." in staff.text
    (area,) = re.findall(r'<textarea id="template-0"[^>]*>', answer.text)
    assert 'data-line="2" data-column="11" aria-invalid="true"' in area
    assert 'aria-describedby="template-0-help preview-0-fault"' in area
    (told,) = re.findall(r'id="template-0-help">(.*)</small>', answer.text)
    assert "put a space before the last }" in told
    assert "(line 2, column 11)" in told
    assert 'id="preview-0-fault"' in answer.text
    assert "{{n}}}</textarea>" in answer.text
    assert (await subscribed(hub))["LbApiPayloadTemplate"] != {}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"key-1": "COURSE"}, "key-1", "is there twice"),
        ({"key-0": ""}, "key-0", "name a category"),
        ({"process-0": ""}, "process-0", "is missing"),
        ({"template-0": ""}, "template-0", "is missing"),
        ({"label-0": "x" * 1001}, "label-0", "at most 1000"),
        ({"action-0": "burn"}, "action-0", ""),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field(
    staff: Browser, hub: Hub, changes: dict[str, str], field: str, words: str
) -> None:
    await subscribe(hub)
    await staff.go(ONE)

    answer = await staff.send(ONE, **{**FORM, **changes}, do="save")

    assert answer.status_code == 422
    (tag,) = re.findall(rf'<\w+ id="{field}"[^>]*>', answer.text)
    assert 'aria-invalid="true"' in tag
    assert words in staff.text


async def test_cards_come_and_go_without_being_saved(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    await staff.go(ONE)

    await staff.send(ONE, **FORM, do="add", category="WORK")
    assert "This is not saved yet." in staff.text
    assert 'name="key-2" value="WORK"' in staff.answer.text
    await staff.send(ONE, **FORM, do="remove-0")
    assert 'value="COURSE"' not in staff.answer.text
    changed = {**FORM, "template-0": '{"n": {{shout n}}}'}
    await staff.send(ONE, **changed, do="preview")
    assert "put a space before the last }" in staff.text
    assert (await subscribed(hub))["LbApiPayloadTemplate"] == {
        "COURSE": COURSE,
        "*": {"action": "ignore"},
    }


async def test_one_card_is_previewed_while_it_is_typed(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    await publish(hub, "OTHER-1", PublisherEventData={"n": 41})
    await staff.go(ONE)
    shown = staff.answer

    async def preview(template: str, card: str = "0", **changes: str) -> httpx.Response:
        staff.answer = shown
        fields = {**FORM, "process-0": "", "template-0": template, **changes}
        return await staff.send(f"{ONE}/preview?card={card}", **fields)

    good = await preview('{"twice": {{add n n}} }')
    assert '"twice": 82' in staff.text
    assert "<html" not in good.text
    bad = await preview('{\n\n"n": {{n}}}')
    assert 'data-line="3"' in bad.text
    assert "Line 3, column 11:" in staff.text
    await preview("")
    assert "write a template, to see rows" in staff.text
    await preview('{"n": 1}', **{"key-0": "NEWS"})
    assert "No event of this category was published lately." in staff.text
    assert (await preview("{}", card="9")).status_code == 404


async def test_all_templates_are_edited_as_one_json_object(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    await staff.go(f"{ONE}/json")
    assert '"importProcessId": 7' in staff.text

    answer = await staff.send(f"{ONE}/json", LbApiPayloadTemplate='{\n"COURSE": }')
    assert answer.status_code == 422
    assert "line 2" in staff.text
    await staff.send(f"{ONE}/json", LbApiPayloadTemplate='{"A": {"importProcessId": 1}}')
    assert "/A/batchRowTemplate: is missing" in staff.text
    answer = await staff.send(f"{ONE}/json", LbApiPayloadTemplate='{"A": {"action": "ignore"}}')
    assert answer.url.path == ONE
    assert (await subscribed(hub))["LbApiPayloadTemplate"] == {"A": {"action": "ignore"}}


async def test_very_many_categories_are_edited_as_json(staff: Browser, hub: Hub) -> None:
    await subscribe(hub, {f"C{number}": {"action": "ignore"} for number in range(60)})

    answer = await staff.go(ONE)

    assert answer.url.path == f"{ONE}/json"


async def test_a_subscriber_sees_its_templates_and_cannot_change_them(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await subscribe(hub)
    await publish(hub, "OTHER-1", PublisherEventData={"n": 41})
    await browser.sign_in(keys["acme"])

    shown = await browser.go(ONE)
    assert "<textarea" not in shown.text
    assert '"n": 41' in browser.text
    assert "Heuristics staff change subscriptions" in browser.text
    assert "<textarea" not in (await browser.go(f"{ONE}/json")).text
    for deed in ("replay", "delete", "json", ""):
        await browser.go(f"{ROOT}/program/edit")
        path = f"{ONE}/{deed}".rstrip("/")
        answer = await browser.send(path, what="all", sure="yes", **FORM)
        assert (answer.status_code, deed) == (403, deed)
    assert (await browser.go(f"{ONE}/replay")).status_code == 403
    assert (await browser.go(f"{ROOT}/subscription/add")).status_code == 403
    await browser.go(f"{ROOT}/program/edit")
    assert (await browser.send(LIST, PublisherProgramId="OTHER")).status_code == 403


async def test_a_stranger_finds_no_subscription(browser: Browser, keys: Keys, hub: Hub) -> None:
    await subscribe(hub)
    await browser.sign_in(keys["other"])

    assert "nobody" in (await browser.go(LIST)).text
    for path in (ONE, f"{LIST}/ACME", f"{LIST}/ACME/json"):
        assert (await browser.go(path)).status_code == 404


async def test_events_are_sent_again_after_a_count(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    for number in range(3):
        await publish(hub, f"OTHER-{number}")
    hub.clock.move(hours=1)
    synced = {"LastSyncUtc": hub.clock().isoformat()}
    await hub.system.patch("/api/programs/ACME/eventSubs/OTHER", json=synced)
    path = f"{ONE}/replay"

    await staff.go(path)
    await staff.send(path, what="since", since="")
    assert "say from when on" in staff.text
    await staff.send(path, what="since", since="soon")
    assert "the query parameter since" in staff.text
    await staff.send(path, what="all")
    assert "3 events are looked at by the next sync" in staff.text
    assert "0 events would be without this" in staff.text
    await staff.send(path, what="all", sure="yes", count="3")
    assert "3 events of OTHER are sent by the next sync." in staff.text
    assert (await subscribed(hub))["LastSyncUtc"] is None

    await staff.go(path)
    await staff.send(path, what="since", since="2999-01-01T00:00")
    assert "3 events that wait would never be sent" in staff.text
    await staff.send(path, what="since", since="2999-01-01T00:00", sure="yes")
    assert "lies in the future" in staff.text
    await staff.send(path, what="since", since="2000-01-01T00:00")
    assert "Nothing changes" in staff.text


async def test_a_subscription_is_ended_after_a_question(staff: Browser, hub: Hub) -> None:
    await subscribe(hub)
    await staff.go(f"{ONE}/delete")
    assert "receives and sees no more events of OTHER" in staff.text

    await staff.send(f"{ONE}/delete")
    assert "The subscription is ended." in staff.text
    assert (await hub.system.get("/api/programs/ACME/eventSubs")).json() == []
