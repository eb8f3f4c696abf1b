"""Technical contacts hear of trouble, at most once in 24 hours for each integration."""

from datetime import timedelta

from tests.fakes.statements import a_statement, statements
from tests.journeys.world import START, World


async def test_an_outage_of_three_days_makes_one_mail_a_day(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"statements": 503})
    await world.post(acme, a_statement())

    await world.run(days=3)

    assert len(world.contacts.letters) == 4
    mails = await world.control.mails(acme.id)
    assert [m.at for m in mails] == [START + timedelta(days=n) for n in (3, 2, 1, 0)]


async def test_4xx_and_5xx_share_one_budget(world: World) -> None:
    acme = await world.add()
    world.sandbox.change({"rejectStatements": [a_statement(1).id]})
    await world.post(acme, a_statement(1))
    world.sandbox.change({"statements": 503})
    await world.post(acme, a_statement(2))
    await world.run(hours=23)

    assert len(world.contacts.letters) == 1


async def test_each_integration_has_its_own_budget(world: World) -> None:
    acme, bolt = await world.add("acme"), await world.add("bolt")
    world.sandbox.change({"statements": 403})

    await world.post(acme, *statements(3))
    await world.post(bolt, *statements(3))

    assert len(world.contacts.letters) == 2


async def test_the_mail_says_what_happened_in_the_servers_own_words(world: World) -> None:
    acme = await world.add()
    world.sandbox.change(
        {"statements": {"mode": "status", "status": 503, "body": "closed for <b>maintenance</b>"}}
    )

    await world.post(acme, *statements(7))

    (letter,) = world.contacts.letters
    plain = letter.get_body(("plain",))
    html = letter.get_body(("html",))
    assert plain is not None
    assert html is not None
    text = plain.get_content()
    assert "503" in text
    assert "closed for <b>maintenance</b>" in text
    assert "&lt;b&gt;maintenance&lt;/b&gt;" in html.get_content()
    assert "7" in text
    assert "https://hub.example/portal/integrations/acme" in text
    assert letter["To"] == "ops@acme.example"


async def test_a_mail_server_that_is_away_delays_the_mail_and_no_delivery(world: World) -> None:
    acme = await world.add()
    world.contacts.away = True
    world.sandbox.change({"rejectStatements": [a_statement(1).id]})

    await world.post(acme, *statements(3))
    await world.run(minutes=10)
    assert world.sandbox.lrs.held == 2
    assert world.contacts.tries >= 2
    world.contacts.away = False
    await world.run(minutes=5)
    await world.run(hours=20)

    assert len(world.contacts.letters) == 1


async def test_no_mail_is_sent_while_everything_goes_well(world: World) -> None:
    acme = await world.add()

    await world.post(acme, *statements(50))
    await world.run(days=2)

    assert world.contacts.letters == []
