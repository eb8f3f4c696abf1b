"""The pages of event completions: the template, what was set aside, ending it."""

from tests.hub.api.conftest import Hub
from tests.hub.portal.conftest import Browser
from tests.hub.portal.learning import ROOT

Keys = dict[str, str]
PAGE = f"{ROOT}/completions"
GOOD = '{\r\n"learner": {"email": "{{email}}"}, "course": {"uri": "{{uri}}"}\r\n}'


async def test_a_template_is_written_changed_and_ended(
    browser: Browser, keys: Keys, hub: Hub
) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(PAGE)
    assert "Write the template that says who learned what." in browser.text
    await browser.go(f"{PAGE}/edit")
    assert '"learner"' in browser.text

    await browser.send(f"{PAGE}/edit", Template=GOOD, SinceUtc="2026-01-01T00:00")
    assert "The template is saved." in browser.text
    assert "Nothing: every event became a completion." in browser.text
    saved = (await hub.acme.get("/api/programs/ACME/eventCompletions")).json()
    assert saved["Template"] == GOOD.replace("\r\n", "\n")
    assert saved["ThroughUtc"].startswith("2026-01-01")
    await browser.go(f"{PAGE}/delete")
    assert "What was delivered stays delivered." in browser.text
    await browser.send(f"{PAGE}/delete")
    assert "Events are made into statements no more." in browser.text


async def test_a_bad_template_is_refused_at_its_place(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["acme"])
    await browser.go(f"{PAGE}/edit")

    answer = await browser.send(f"{PAGE}/edit", Template='{\n"learner": {{email}}}')

    assert answer.status_code == 422
    assert 'data-line="2" data-column="21" aria-invalid="true"' in answer.text
    assert "put a space before the last }" in browser.text


async def test_who_may_only_read_sees_it_and_changes_nothing(browser: Browser, keys: Keys) -> None:
    await browser.sign_in(keys["reader"])
    await browser.go(PAGE)
    assert "Somebody who may write to ACME can write the template." in browser.text
    await browser.go(f"{PAGE}/edit")
    assert (await browser.send(f"{PAGE}/edit", Template=GOOD)).status_code == 403
