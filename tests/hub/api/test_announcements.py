"""Announcements of a bucket: as MinIO, EventBridge and Amazon SNS post them; others are refused."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.hub.api.conftest import Hub

TOPIC = "arn:aws:sns:eu-central-1:123456789012:exports"
AMAZON = "https://sns.eu-central-1.amazonaws.com/"
CONFIRM = f"{AMAZON}?Action=ConfirmSubscription&TopicArn={quote(TOPIC)}&Token=2336412f37"
BUCKET = {"kind": "bucket", "name": "Exports", "url": "s3://exports", "secret": "s3cr3t"}
ANNOUNCED = {"Records": [{"s3": {"object": {"key": "a.csv"}}}]}


class Confirms:
    """Asks for addresses, and writes them down."""

    def __init__(self, trouble: str | None = None) -> None:
        self.asked: list[str] = []
        self.trouble = trouble

    async def confirm(self, url: str) -> str | None:
        self.asked.append(url)
        return self.trouble


@pytest.fixture
def confirms(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Confirms:
    confirms = Confirms()
    monkeypatch.setattr(hub.house.fetching, "confirm", confirms.confirm)
    return confirms


async def make(hub: Hub, **said: object) -> str:
    made = await hub.acme.post("/api/programs/ACME/sources", json={**BUCKET, **said})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def post(
    hub: Hub, source_id: str, body: object = ANNOUNCED, *, knows: str = "s3cr3t"
) -> httpx.Response:
    """Post as Amazon SNS does: without a proof first, and then as it is asked for."""
    path, content = f"/hooks/{source_id}", json.dumps(body).encode()
    headers = {"Content-Type": "text/plain; charset=UTF-8"}
    first = await hub.nobody.post(path, content=content, headers=headers)
    assert first.status_code == 401
    assert first.headers["www-authenticate"].startswith("Basic realm=")
    return await hub.nobody.post(path, content=content, headers=headers, auth=("webhook", knows))


async def next_at(hub: Hub, source_id: str) -> str:
    return str((await hub.acme.get(f"/api/sources/{source_id}")).json()["nextAt"])


def offered(**other: str) -> dict[str, Any]:
    return {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "2336412f37",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe to the topic.",
        "SubscribeURL": CONFIRM,
        **other,
    }


@pytest.mark.parametrize("proof", [{"Authorization": "Bearer s3cr3t"}, {}])
async def test_a_bucket_that_is_announced_is_asked_at_once(
    hub: Hub, confirms: Confirms, proof: dict[str, str]
) -> None:
    source_id = await make(hub)
    hub.clock.move(minutes=1)
    before = await next_at(hub, source_id)
    if proof:
        answer = await hub.nobody.post(f"/hooks/{source_id}", json=ANNOUNCED, headers=proof)
    else:
        answer = await post(hub, source_id, {"Type": "Notification", "Message": "{}"})

    assert answer.status_code == 202, answer.text
    assert await next_at(hub, source_id) > before
    assert confirms.asked == []


async def test_a_subscription_to_the_topic_of_the_source_is_confirmed(
    hub: Hub, confirms: Confirms
) -> None:
    source_id = await make(hub, topicArn=TOPIC)

    answer = await post(hub, source_id, offered())

    assert answer.status_code == 202, answer.text
    assert confirms.asked == [CONFIRM]


async def test_amazon_is_asked_to_come_again_when_it_could_not_be_confirmed(
    hub: Hub, confirms: Confirms
) -> None:
    confirms.trouble = "sns.eu-central-1.amazonaws.com answered 500"
    answer = await post(hub, await make(hub, topicArn=TOPIC), offered())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "answered 500" in answer.json()["detail"]


@pytest.mark.parametrize(
    "other",
    [
        {"TopicArn": TOPIC.replace("exports", "others")},
        {"SubscribeURL": CONFIRM.replace("https", "http")},
        {"SubscribeURL": CONFIRM.replace("eu-central-1.", "eu-central-1.amazonaws.com.evil.", 1)},
        {"SubscribeURL": CONFIRM.replace("sns.eu", "evil@sns.eu")},
        {"SubscribeURL": CONFIRM.replace(".com/", ".com:8443/")},
        {"SubscribeURL": CONFIRM.replace("sns.eu-central-1", "sns.us-east-1")},
        {"SubscribeURL": CONFIRM.replace("ConfirmSubscription", "Unsubscribe")},
        {"SubscribeURL": CONFIRM.replace("exports", "others")},
        {"SubscribeURL": "https://169.254.169.254/?Action=ConfirmSubscription"},
        {"SubscribeURL": "https://[/"},
        {"SubscribeURL": ""},
    ],
)
async def test_nothing_else_is_confirmed(
    hub: Hub, confirms: Confirms, other: dict[str, str]
) -> None:
    answer = await post(hub, await make(hub, topicArn=TOPIC), offered(**other))

    assert answer.status_code == 401
    assert confirms.asked == []


async def test_without_a_topic_or_the_secret_nothing_is_confirmed(
    hub: Hub, confirms: Confirms
) -> None:
    assert (await post(hub, await make(hub), offered())).status_code == 401
    source_id = await make(hub, topicArn=TOPIC)
    assert (await post(hub, source_id, offered(), knows="wrong")).status_code == 401
    assert confirms.asked == []


@pytest.mark.parametrize("topic", ["exports", "arn:aws:sqs:eu-central-1:123456789012:exports", ""])
async def test_a_topic_is_an_arn(hub: Hub, topic: str) -> None:
    refused = await hub.acme.post("/api/programs/ACME/sources", json={**BUCKET, "topicArn": topic})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/topicArn"]
