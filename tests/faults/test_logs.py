"""One wide line for each unit of work, with ids, and never a secret or a body."""

import json
from pathlib import Path

import pytest

from config.sandbox.oauth import CLIENT_SECRET
from tests.fakes.statements import a_statement
from tests.faults.stack import Prepared, open_stack
from tests.waiting import until

pytestmark = pytest.mark.slow
LEARNER = "learner-whom-no-log-names@acme.example"


async def test_logs_name_requests_and_statements_and_keep_secrets_and_bodies_out(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_stack(prepared, tmp_path, workers=1) as stack:
        integration = stack.integrations["strict"]
        path = f"/api/integrations/{integration}"
        made = [a_statement(n, actor={"mbox": f"mailto:{LEARNER}"}) for n in range(30)]
        body = b"[" + b",".join(one.body for one in made) + b"]"
        headers = {"Content-Type": "application/json", "X-Request-Id": "from-upstream-1"}
        await stack.client.post(f"{path}/statements", content=body, headers=headers)
        await until(lambda: stack.sandbox.lrs.held == 30, within=60, what="deliveries")
        stack.sandbox.change({"statements": 400})
        await stack.client.post(
            f"{path}/statements",
            content=a_statement(100, actor={"mbox": f"mailto:{LEARNER}"}).body,
            headers={"Content-Type": "application/json"},
        )
        await until(lambda: stack.sandbox.lrs.attempts > 30, within=60, what="a refusal")
        await stack.client.post(f"{path}/test")
        await stack.client.patch(path, json={"clientSecret": "another-secret-of-theirs"})
        await stack.client.get("/api/integrations", auth=("tests", "lh_nonsense"))
        await stack.client.get("/readyz")
    web = (tmp_path / "web.log").read_text()
    worker = (tmp_path / "worker-0.log").read_text()

    lines = [json.loads(line) for line in web.splitlines()]
    answered = [line for line in lines if line["event"] == "request.answered"]
    (taken,) = [line for line in answered if line["request_id"] == "from-upstream-1"]
    assert taken["route"] == "/api/integrations/{integration_id}/statements"
    assert (taken["method"], taken["status"], taken["accepted"]) == ("POST", 202, 30)
    assert taken["integration"] == integration
    assert taken["ids"] == [one.id for one in made[:20]]
    assert (taken["user"], taken["milliseconds"] > 0) == ("tests", True)
    assert [line["status"] for line in answered if "user" not in line] == [401]
    assert not [line for line in answered if line["route"] == "/readyz"]
    drains = [json.loads(line) for line in worker.splitlines() if '"drain.ended"' in line]
    named = [one for line in drains for one in line["ids"]]
    assert made[0].id in named
    assert all(len(line["ids"]) <= 20 for line in drains)
    for log in (web, worker):
        for secret in (LEARNER, CLIENT_SECRET, "another-secret", stack.key[1], "lh_nonsense"):
            assert secret not in log
        assert "mailto:" not in log
