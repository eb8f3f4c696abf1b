"""The command line against a hub somewhere else, and long work on a terminal, in real processes."""

import json

import pytest

from tests.config.terminal import Terminal
from tests.fakes.statements import a_statement, statements
from tests.faults.stack import PROGRAM, Stack
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ACME = "strict"


async def deliver(stack: Stack, count: int, *, start: int) -> list[str]:
    """Have statements delivered; their ids."""
    posted = statements(count, start=start)
    answer = await stack.client.post(
        f"/api/integrations/{stack.integrations[ACME]}/statements",
        content=b"[" + b",".join(one.body for one in posted) + b"]",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 202, answer.text
    ids: list[str] = [one.id for one in posted]
    await until(lambda: set(ids) <= set(stack.sandbox.lrs.ids()), within=60, what="delivery")
    return ids


async def test_an_operator_finds_out_why_and_what_the_server_says(
    stack: Stack, terminal: Terminal
) -> None:
    integration = stack.integrations[ACME]
    (first,) = await deliver(stack, 1, start=1)

    listed = await terminal.hub("integrations", "list", "--program", PROGRAM, "--json")
    shown = await terminal.hub("integrations", "show", integration)
    attempts = await terminal.hub("integrations", "attempts", integration, "--json")
    tested = await terminal.hub("integrations", "test", integration)
    receipt = await terminal.hub("statements", "show", integration, first, "--json")

    assert listed[0] == 0
    assert integration in [one["id"] for one in json.loads(listed[1])]
    assert "flowing" in shown[1]
    assert json.loads(attempts[1])[0]["status"] == 200
    assert tested[0] == 0
    assert "token" in tested[1]
    assert json.loads(receipt[1])["state"] == "delivered"
    assert not list(terminal.folder.iterdir())


async def test_an_hour_is_replayed_and_followed_to_its_end(
    stack: Stack, terminal: Terminal
) -> None:
    integration = stack.integrations[ACME]
    ids = await deliver(stack, 30, start=100)
    before = stack.sandbox.lrs.received

    counted = await terminal.hub("replay", integration, "--since", "1h", "--dry-run", "--json")
    replayed = await terminal.hub("replay", integration, "--since", "1h", "--json")
    listed = await terminal.hub("operations", "list", integration, "--json")

    assert json.loads(counted[1])["statements"] >= 30
    told = json.loads(replayed[1])
    assert (replayed[0], told["state"]) == (0, "done")
    assert told["done"] == json.loads(counted[1])["statements"]
    assert stack.sandbox.lrs.received - before >= len(ids)
    assert json.loads(listed[1])[0]["id"] == told["id"]


async def test_one_statement_is_released(stack: Stack, terminal: Terminal) -> None:
    integration = stack.integrations[ACME]
    guilty = a_statement(500)
    stack.sandbox.change(
        {"statements": {"mode": "status", "status": 400, "only": {"statementIds": [guilty.id]}}}
    )
    await stack.client.post(
        f"/api/integrations/{integration}/statements",
        content=guilty.body,
        headers={"Content-Type": "application/json"},
    )

    async def parked() -> bool:
        said = await terminal.hub("parked", "list", integration, "--json")
        return guilty.id in [one["statementId"] for one in json.loads(said[1])]

    await until(parked, within=60, what="a parked statement")
    stack.sandbox.change({"statements": "ok"})

    counted = await terminal.hub("parked", "release", integration, "--status", "400", "--dry-run")
    released = await terminal.hub(
        "parked", "release", integration, "--statement", guilty.id, "--json"
    )

    assert "1" in counted[1]
    assert json.loads(released[1])["released"] == 1
    await until(lambda: guilty.id in stack.sandbox.lrs.ids(), within=60, what="delivery")


async def test_keys_are_made_listed_and_revoked_far_away(terminal: Terminal) -> None:
    made = json.loads(
        (await terminal.hub("keys", "create", "--user-id", "bo", "--system", "--json"))[1]
    )
    listed = json.loads((await terminal.hub("keys", "list", "--json"))[1])
    revoked = json.loads((await terminal.hub("keys", "revoke", made["id"], "--json"))[1])

    assert made["apiKey"].startswith("lh_")
    assert made["id"] in [one["id"] for one in listed]
    assert revoked["revokedAt"] is not None


@pytest.mark.parametrize(
    ("words", "environ", "told"),
    [
        (("integrations", "list"), {"HUB_API_KEY": "wrong"}, "not valid"),
        (("integrations", "list"), {"HUB_URL": "http://127.0.0.1:1"}, "does not answer"),
        (("integrations", "show", "none"), {}, "none"),
        (("replay", "none", "--since", "1h"), {}, "none"),
        (("sync", "NONE"), {}, "NONE"),
    ],
)
async def test_what_a_far_hub_refuses_is_told_in_one_line(
    terminal: Terminal, words: tuple[str, ...], environ: dict[str, str], told: str
) -> None:
    code, out, err = await terminal.hub(*words, **environ)

    assert (code, out) == (1, "")
    assert told in err
    assert "Traceback" not in err


async def test_a_far_hub_is_asked_how_it_is(stack: Stack, terminal: Terminal) -> None:
    well = await terminal.hub("doctor", "--json")
    await stack.kill_worker(0)

    async def is_ill() -> bool:
        return (await terminal.hub("doctor"))[0] == 1

    await until(is_ill, within=60, what="a doctor that finds a fault")
    ill = await terminal.hub("doctor", "--json")
    await stack.start_worker()

    assert well[0] == 0
    assert [one["verdict"] for one in json.loads(ill[1])].count("fault") == 1
    assert "no worker for" in ill[1]


async def test_address_and_key_may_be_said_anywhere(stack: Stack, terminal: Terminal) -> None:
    url, key = terminal.environ.pop("HUB_URL"), terminal.environ.pop("HUB_API_KEY")

    first = await terminal.hub("--url", url, "--api-key", key, "integrations", "list", "--json")
    last = await terminal.hub("integrations", "list", "--json", f"--url={url}", "--api-key", key)

    assert (first[0], last[0]) == (0, 0)
    assert json.loads(first[1]) == json.loads(last[1])


async def test_a_shell_is_told_what_can_follow(terminal: Terminal) -> None:
    _, out, _ = await terminal.hub(
        _HUB_COMPLETE="complete_bash", COMP_WORDS="hub parked ", COMP_CWORD="2"
    )

    assert out.split() == ["list", "release", "discard"]
