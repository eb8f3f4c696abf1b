"""What a subscription is about to do: rows of recent events, places of faults, what waits."""

from tests.hub.api.conftest import Hub, errors_of

PLACE = "/api/programs/ACME/eventSubs"
COURSE = {"importProcessId": 7, "batchRowTemplate": '{"n": {{n}} }'}
TEMPLATE = {"COURSE": COURSE, "WORK": {"action": "ignore"}}


async def publish(hub: Hub, category: str | None, *numbers: object) -> None:
    for number in numbers:
        event = {
            "EventId": f"OTHER-{category}{number}",
            "PublisherProgramId": "OTHER",
            "EventType": "AI_COMP_SUCCESS",
            "PublisherParticipantId": "ann",
            "PublisherEventData": {"n": number},
            "EventStartUtc": "2026-03-02T09:00:00Z",
        } | ({"PublisherEventCategory": category} if category else {})
        answer = await hub.other.post("/api/events", json=event)
        assert answer.status_code == 201, answer.text


async def subscribe(hub: Hub, template: object = TEMPLATE) -> None:
    form = {"PublisherProgramId": "OTHER", "LbApiPayloadTemplate": template}
    made = await hub.system.post(PLACE, json=form)
    assert made.status_code == 201, made.text


async def preview(hub: Hub, template: object, **more: object) -> list[dict[str, object]]:
    form = {"LbApiPayloadTemplate": template, **more}
    answer = await hub.system.post(f"{PLACE}/OTHER/preview", json=form)
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, object]] = answer.json()["Entries"]
    return entries


async def test_templates_are_shown_on_the_newest_events_of_their_category(hub: Hub) -> None:
    await publish(hub, "COURSE", 1, 2)
    await publish(hub, "WORK", 3)
    await publish(hub, None, 4)
    await publish(hub, "NEWS", 5)
    rest = {"importProcessId": "8", "batchRowTemplate": '{"rest": "{{n}}"}'}

    course, others = await preview(hub, {**TEMPLATE, "*": rest}, Limit=2)

    assert (course["Key"], course["ImportProcessId"], course["Fault"]) == ("COURSE", "7", None)
    assert _rows(course) == [("OTHER-COURSE2", {"n": 2}), ("OTHER-COURSE1", {"n": 1})]
    assert (others["Key"], _rows(others)) == (
        "*",
        [("OTHER-NEWS5", {"rest": "5"}), ("OTHER-None4", {"rest": "4"})],
    )


async def test_a_fault_is_told_with_event_line_column_and_what_was_made(hub: Hub) -> None:
    await publish(hub, "COURSE", 1, "one")
    bad = {"importProcessId": 7, "batchRowTemplate": '{\n"n": {{shout n}}}'}

    (course,) = await preview(hub, {"COURSE": COURSE})
    (wrong,) = await preview(hub, {"COURSE": bad})

    bad_row, good_row = _events(course)
    assert (bad_row["EventId"], bad_row["Row"]) == ("OTHER-COURSEone", None)
    assert _fault(bad_row)["Line"] == 1
    assert _fault(bad_row)["Made"] == '{"n": one }'
    assert (good_row["Row"], good_row["Fault"]) == ({"n": 1}, None)
    fault = _fault(_events(wrong)[0])
    assert (fault["Line"], fault["Column"], fault["Made"]) == (2, 17, None)
    assert "put a space before the last }" in str(fault["Detail"])


async def test_without_an_event_a_template_is_tried_on_a_made_up_one(hub: Hub) -> None:
    bad = {"importProcessId": 7, "batchRowTemplate": "{{"}

    good, wrong = await preview(hub, {"COURSE": COURSE, "*": bad})

    assert (good["Events"], good["Fault"]) == ([], None)
    assert (wrong["Events"], _fault(wrong)["Line"]) == ([], 1)


async def test_a_map_with_flaws_is_refused_with_their_places(hub: Hub) -> None:
    form = {"LbApiPayloadTemplate": {"COURSE": {"batchRowTemplate": "{}"}}}

    refused = await hub.system.post(f"{PLACE}/OTHER/preview", json=form)

    assert refused.status_code == 422
    assert errors_of(refused) == {"/LbApiPayloadTemplate/COURSE/importProcessId": "is missing"}


async def test_the_subscriber_previews_its_own_and_nobody_elses(hub: Hub) -> None:
    await publish(hub, "COURSE", 1)
    place = f"{PLACE}/OTHER/preview"
    assert (await hub.reader.post(place, json={})).status_code == 404
    form = {"LbApiPayloadTemplate": {"COURSE": COURSE}}
    assert (await hub.acme.post(place, json=form)).status_code == 404
    assert (await hub.system.post(f"{PLACE}/NOBODY/preview", json=form)).status_code == 404
    await subscribe(hub)

    shown = await hub.reader.post(place, json={})

    assert [_rows(one) for one in shown.json()["Entries"]] == [[("OTHER-COURSE1", {"n": 1})]]
    assert (await hub.other.post(place, json={})).status_code == 404


async def test_every_fault_is_told_with_its_place_when_templates_are_saved(hub: Hub) -> None:
    bad = {
        "A": {"importProcessId": 7, "batchRowTemplate": '{\n"n": {{n}}}'},
        "B": {"importProcessId": 7, "batchRowTemplate": '{"n": "{{shout n}}"}'},
    }
    form = {"PublisherProgramId": "OTHER", "LbApiPayloadTemplate": bad}

    refused = await hub.system.post(PLACE, json=form)

    assert refused.json()["faults"] == [
        {"pointer": "/LbApiPayloadTemplate/A/batchRowTemplate", "line": 2, "column": 11},
        {"pointer": "/LbApiPayloadTemplate/B/batchRowTemplate", "line": 1, "column": 8},
    ]


async def test_the_default_is_tried_on_what_no_other_entry_takes(hub: Hub) -> None:
    await publish(hub, "NEWS", "none")
    template = {"COURSE": COURSE, "*": COURSE}
    form = {"PublisherProgramId": "OTHER", "LbApiPayloadTemplate": template}

    refused = await hub.system.post(PLACE, json=form)

    (pointer,) = errors_of(refused)
    assert pointer == "/LbApiPayloadTemplate/*/batchRowTemplate"
    assert "tried on OTHER-NEWSnone" in refused.text


async def test_what_waits_is_counted_from_the_cursor_or_from_another_time(hub: Hub) -> None:
    await subscribe(hub)
    place = f"{PLACE}/OTHER"
    await publish(hub, "COURSE", 1, 2)
    await publish(hub, "WORK", 3)
    assert (await hub.reader.get(f"{place}/waiting")).json() == {"Waiting": 3, "Ignored": 1}
    latest = (await hub.system.get("/api/events/OTHER")).json()["items"][1]["CreatedUtc"]
    hub.clock.move(seconds=1)
    assert (await hub.system.patch(place, json={"LastSyncUtc": latest})).status_code == 204

    left = (await hub.reader.get(f"{place}/waiting")).json()
    again = await hub.reader.get(f"{place}/waiting", params={"since": "2000-01-01T00:00:00Z"})
    listed = await hub.reader.get(PLACE, params={"counted": "true"})

    assert left == {"Waiting": 1, "Ignored": 1}
    assert again.json() == {"Waiting": 3, "Ignored": 1}
    assert [one["Waiting"] for one in listed.json()] == [1]
    assert ["Waiting" in one for one in (await hub.reader.get(PLACE)).json()] == [False]


async def test_no_more_is_counted_than_anybody_reads(hub: Hub) -> None:
    await publish(hub, "COURSE", 1, 2, 3)

    assert await hub.house.events.count("OTHER", after=None, most=2) == {"COURSE": 2}


async def test_a_publisher_sees_who_receives_its_events(hub: Hub) -> None:
    await subscribe(hub)

    shown = await hub.other.get("/api/programs/OTHER/subscribers")

    assert [one["ProgramId"] for one in shown.json()] == ["ACME"]
    assert (await hub.acme.get("/api/programs/OTHER/subscribers")).status_code == 404
    assert (await hub.acme.get("/programs/ACME/subscribers")).json() == []


def _events(entry: dict[str, object]) -> list[dict[str, object]]:
    found = entry["Events"]
    assert isinstance(found, list)
    return found


def _rows(entry: dict[str, object]) -> list[tuple[object, object]]:
    return [(one["EventId"], one["Row"]) for one in _events(entry)]


def _fault(one: dict[str, object]) -> dict[str, object]:
    fault = one["Fault"]
    assert isinstance(fault, dict)
    return fault
