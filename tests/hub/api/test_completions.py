"""Completions over HTTP: one comes in, each integration of the program gets its statement."""

import pytest

from hub.registry.parties.providers import ProviderStatus
from tests.hub.api.conftest import Hub, errors_of

PATH = "/api/programs/ACME/completions"


def a_completion(**members: object) -> dict[str, object]:
    return {
        "id": "enrolment-17",
        "learner": {"email": "ann@example.org"},
        "course": {"uri": "https://example.org/courses/1"},
        "completedAt": "2022-08-26T09:14:32.577Z",
        **members,
    }


async def test_each_integration_gets_its_statement_or_a_reason(hub: Hub) -> None:
    lms = await hub.integrate("lms")
    hub.clock.move(seconds=1)
    sso = await hub.integrate("sso")
    both = a_completion(
        id="enrolment-18",
        learner={"email": "ann@example.org", "ssoId": "ann"},
        course={
            "uri": "https://example.org/courses/1",
            "uuid": "7c4ab3a5-63c5-4d51-8a1b-1d2a4d1f2f7e",
        },
    )

    answer = await hub.acme.post(PATH, json=[a_completion(), both])

    assert answer.status_code == 202
    accepted, skipped = answer.json()["accepted"], answer.json()["skipped"]
    assert [(one["completion"], one["integration"]) for one in accepted] == [
        (0, lms),
        (1, lms),
        (1, sso),
    ]
    assert skipped == [
        {
            "completion": 0,
            "integration": sso,
            "reason": "the provider identifies learners by SSO id and this completion has none",
        }
    ]
    receipt = await hub.acme.get(f"/api/integrations/{sso}/statements/{accepted[2]['statementId']}")
    assert receipt.json()["state"] == "queued"


async def test_a_repeat_makes_the_same_statements(hub: Hub) -> None:
    integration = await hub.integrate()

    first = await hub.acme.post(PATH, json=a_completion())
    again = await hub.acme.post(PATH, json=[a_completion(), a_completion()])

    ids = {one["statementId"] for one in first.json()["accepted"] + again.json()["accepted"]}
    health = (await hub.acme.get(f"/api/integrations/{integration}")).json()["health"]
    assert len(ids) == 1
    assert health["queued"] == 1


async def test_one_id_with_two_contents_is_refused(hub: Hub) -> None:
    await hub.integrate()
    other = a_completion(completedAt="2023-01-01T00:00:00Z")

    together = await hub.acme.post(PATH, json=[a_completion(), other])
    await hub.acme.post(PATH, json=a_completion())
    later = await hub.acme.post(PATH, json=other)

    assert together.status_code == 400
    assert errors_of(together).keys() == {"/1/id"}
    assert later.status_code == 409
    errors_of(later)


async def test_a_disabled_integration_holds_what_a_disabled_provider_skips(hub: Hub) -> None:
    await hub.integrate("lms", status="disabled")
    await hub.integrate("sso")
    await hub.house.providers.change("sso", {"status": ProviderStatus.DISABLED}, by="test")

    answer = await hub.acme.post(PATH, json=a_completion(learner={"ssoId": "a", "email": "a@b.c"}))

    assert len(answer.json()["accepted"]) == 1
    assert answer.json()["skipped"][0]["reason"] == "the provider is disabled"


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        ([a_completion(), a_completion(learner={})], 400, "/1/learner"),
        (a_completion(extra=1), 400, "/extra"),
        ("text", 400, ""),
        ([], 400, ""),
    ],
    ids=["learner", "extra", "text", "empty"],
)
async def test_a_bad_completion_is_refused_with_its_place(
    hub: Hub, sent: object, status: int, pointer: str
) -> None:
    await hub.integrate()

    answer = await hub.acme.post(PATH, json=sent)

    assert answer.status_code == status
    assert errors_of(answer).keys() == {pointer}


async def test_too_many_completions_are_refused(hub: Hub) -> None:
    answer = await hub.acme.post(PATH, json=[a_completion()] * 11)

    assert answer.status_code == 413
    errors_of(answer)


async def test_only_those_who_may_write_hand_completions_in(hub: Hub) -> None:
    answers = [
        (await client.post(PATH, json=a_completion())).status_code
        for client in (hub.reader, hub.other, hub.nobody)
    ]
    nowhere = await hub.system.post("/api/programs/NONE/completions", json=a_completion())

    assert answers == [403, 404, 401]
    assert nowhere.status_code == 404
