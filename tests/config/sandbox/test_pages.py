"""The pages show how the sandbox stands, escape what came in, and load nothing from elsewhere."""

import re

import pytest

from config.sandbox.state import Sandbox
from tests.config.sandbox.caller import Caller, Json, a_statement, an_id

LETTER = (
    b"From: <i>Hub</i> <hub@example.org>\r\nSubject: Stopped <now>\r\n"
    b"Content-Type: multipart/alternative; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain\r\n\r\nplain <text>\r\n"
    b"--x\r\nContent-Type: text/html\r\n\r\n"
    b'<p onclick="x">"html"</p><script>1</script>\r\n--x--\r\n'
)


async def page(caller: Caller, path: str = "/") -> str:
    answer = await caller.http.get(path)
    assert answer.status_code == 200
    return answer.text


async def test_addresses_and_credentials_are_shown(stranger: Caller) -> None:
    html = await page(stranger)

    for shown in ("http://sandbox/xapi/statements", "http://sandbox/oauth/token", "sandbox-secret"):
        assert f"<code>{shown}</code>" in html


async def test_changed_credentials_are_shown(stranger: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"clients": {"acme": "fresh"}, "refreshTokens": {}})
    changed = await page(stranger)
    sandbox.change({"clients": {}})
    without = await page(stranger)

    assert "<code>fresh</code>" in changed
    assert "sandbox-refresh" not in changed
    assert "Client secret</dt>" not in without


async def test_a_statement_is_shown_as_a_sentence(caller: Caller) -> None:
    await caller.post(
        a_statement(
            actor={"name": "Ada <b>", "mbox": "mailto:ada@example.org"},
            verb={"id": "urn:v", "display": {"en": "finished"}},
            object={"id": "urn:o", "definition": {"name": {"en": "Engines & Co"}}},
        )
    )

    html = await page(caller)

    assert "<b>Ada &lt;b&gt;</b> <i>finished</i> <span>Engines &amp; Co</span>" in html
    assert f"s-{an_id()}" in html


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"actor": {"name": 7, "mbox": "mailto:a@b.c"}}, "<b>a@b.c</b>"),
        ({"actor": {"account": {"name": "u-1", "homePage": "urn:h"}}}, "<b>u-1</b>"),
        ({"actor": {"openid": "https://me.example"}}, "<b>somebody</b>"),
        ({"verb": {"id": "http://x.example/verbs#tried", "display": 7}}, "<i>tried</i>"),
        ({"object": {"id": "urn:o", "definition": {"name": "odd"}}}, "<span>urn:o</span>"),
        ({"object": {"objectType": "Agent", "mbox": "mailto:a@b.c"}}, "<span>something</span>"),
    ],
    ids=["mbox", "account", "openid", "verb", "object", "agent"],
)
async def test_any_statement_finds_words(caller: Caller, changed: Json, words: str) -> None:
    assert (await caller.post(a_statement(**changed))).status_code == 200

    assert words in await page(caller)


async def test_numbers_of_any_length_are_shown(caller: Caller) -> None:
    digits = b"7" * 5000
    body = (
        b'{"actor":{"mbox":"mailto:a@b.c"},"verb":{"id":"urn:v"},"object":{"id":"urn:o"},'
        b'"result":{"extensions":{"urn:n":' + digits + b"}}}"
    )

    assert (await caller.post_raw(body)).status_code == 200
    assert digits.decode() in await page(caller)


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        ("ok", "Answers honestly"),
        (503, "Answers 503"),
        ({"mode": "slow", "seconds": 2.5}, "Waits 2.5 s, then answers"),
        ("silent", "Takes requests, never answers"),
        ({"mode": "reset", "times": 1}, "Cuts the connection, 1 more time"),
        ({"mode": "close", "times": 3}, "Closes the connection unanswered, 3 more times"),
        ("apply_then_reset", "Stores, then cuts the connection"),
        (
            {"mode": "apply_then_503", "only": {"statementIds": ["a", "b"]}},
            "Stores, then answers 503, only for 2 named statements",
        ),
    ],
    ids=str,
)
async def test_a_switch_is_told_in_plain_words(
    stranger: Caller, sandbox: Sandbox, switch: object, words: str
) -> None:
    sandbox.change({"statements": switch})

    html = await page(stranger)

    assert f'id="statements-word" data-live>{words}<' in html


async def test_requests_are_shown(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.change({"statements": 503})
    await caller.post(a_statement())

    html = await page(caller)

    assert '<span class="status bad">503</span>' in html
    assert "<code>POST /xapi/statements</code>" in html


async def test_a_mail_is_shown_behind_glass(stranger: Caller, sandbox: Sandbox) -> None:
    sandbox.mailbox.keep("hub@example.org", ["tech@example.org"], LETTER)

    listed = await page(stranger, "/mailbox")
    html = await page(stranger, "/mailbox/1")

    assert 'href="/mailbox/1"' in listed
    assert "Stopped &lt;now&gt;" in html
    assert "plain &lt;text&gt;" in html
    assert 'sandbox="" title="The mail as HTML" srcdoc="&lt;p onclick=&#34;x&#34;&gt;' in html
    assert "<script>1" not in html


@pytest.mark.parametrize("path", ["/", "/mailbox", "/mailbox/1", "/nowhere"])
async def test_pages_are_bound_to_their_own_means(
    stranger: Caller, sandbox: Sandbox, path: str
) -> None:
    sandbox.mailbox.keep("hub@example.org", ["tech@example.org"], LETTER)

    answer = await stranger.http.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in policy.partition("script-src")[2]
    assert re.findall(r"""(?:src|href)="(?!/|#|data:,)[^"]*""", answer.text) == []


async def test_the_inline_script_is_let_in_by_its_nonce(stranger: Caller) -> None:
    first, second = await stranger.http.get("/"), await stranger.http.get("/")

    (nonce,) = re.findall(r'<script nonce="([^"]+)">', first.text)
    assert f"'nonce-{nonce}'" in first.headers["Content-Security-Policy"]
    assert f"'nonce-{nonce}'" not in second.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/mailbox/7", 404), ("DELETE", "/", 405)],
)
async def test_what_is_not_there_is_said(
    stranger: Caller, method: str, path: str, status: int
) -> None:
    answer = await stranger.http.request(method, path)

    assert answer.status_code == status
    assert "This cannot be done" in answer.text


async def test_the_style_sheet_is_our_own(stranger: Caller) -> None:
    answer = await stranger.http.get("/style.css")

    assert answer.headers["Content-Type"].startswith("text/css")
    assert "url(" not in answer.text
