"""The templates of a subscription: a card for each category, rows of recent events beside it.

Writing needs a SYSTEM key; all others see the same, and cannot change it.
"""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from hub.portal.forms import ask, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.learning.subscriptions import ROOT
from hub.portal.pages.learning.template_cards import (
    MOST_CARDS,
    STARTER,
    TEMPLATE,
    Card,
    as_map,
    cards_of,
    find_flaws,
    note_refusal,
    read_cards,
    tried,
)
from hub.portal.pages.learning.typed import typed
from hub.portal.pages.learning.wording import ALIAS, DEFAULT
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.wording.plain import written

SAVED = "The subscription is saved. The next sync uses it."


async def show(visit: Visit) -> Response:
    """Show the templates, each with rows of recent events."""
    found = await visit.api.get(_path(visit))
    if len(found["LbApiPayloadTemplate"]) > MOST_CARDS and visit.api.caller.system:
        return visit.go(f"{ROOT}/{found['PublisherProgramId']}/json")
    cards = cards_of(found["LbApiPayloadTemplate"])
    return await _page(visit, found, cards, enabled=found["SyncEnabled"])


async def change(visit: Visit) -> Response:
    """Save the cards, add one, take one away, or only show what they make."""
    await form_of(visit)
    found = await visit.api.get(_path(visit))
    form = typed(await visit.request.body())
    cards, enabled = read_cards(form), "enabled" in form
    deed, _, number = form.get("do", "save").partition("-")
    if deed == "add":
        key = form.get("category", "").strip()
        cards.append(Card(key=key, template=STARTER))
    if deed == "remove" and number.isdecimal() and int(number) < len(cards):
        del cards[int(number)]
    if deed != "save":
        return await _page(visit, found, cards, enabled=enabled, is_changed=True)
    return await _save(visit, found, cards, enabled=enabled)


async def preview(visit: Visit) -> Response:
    """Give what one card makes of recent events alone, while it is being typed."""
    await form_of(visit)
    cards = read_cards(typed(await visit.request.body()))
    written = visit.request.query_params.get("card", "")
    number = int(written) if written.isdecimal() else len(cards)
    if number >= len(cards):
        raise Refusal(404, "Not found", "there is no such card", {})
    made, trouble = await _made(visit, cards, only=number)
    entry = made.get(cards[number].key)
    return visit.page(
        "learning/preview.html", number=number, card=cards[number], entry=entry, trouble=trouble
    )


async def show_json(visit: Visit) -> Response:
    """Show all templates as one JSON object."""
    found = await visit.api.get(_path(visit))
    form = {"LbApiPayloadTemplate": written(found["LbApiPayloadTemplate"])}
    return _json(visit, found, form, None)


async def change_json(visit: Visit) -> Response:
    """Save templates that were written as one JSON object."""
    await form_of(visit)
    found = await visit.api.get(_path(visit))
    form = typed(await visit.request.body())
    try:
        written = form.get("LbApiPayloadTemplate", "")
        await visit.api.patch(_path(visit), {"LbApiPayloadTemplate": written})
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        return _json(visit, found, form, refusal)
    return visit.go(f"{ROOT}/{found['PublisherProgramId']}", SAVED)


async def _save(visit: Visit, found: Facts, cards: Sequence[Card], *, enabled: bool) -> Response:
    trouble, status = "", 422
    if not find_flaws(cards):
        said = {"SyncEnabled": enabled, "LbApiPayloadTemplate": as_map(cards)}
        try:
            await visit.api.patch(_path(visit), said)
        except Refusal as refusal:
            if refusal.status == 403:
                raise
            faults = refusal.facts.get("faults", [])
            left = list(note_refusal(cards, refusal.flaws, faults))
            trouble = " ".join(left) if refusal.flaws else str(refusal)
            status = refusal.status
        else:
            return visit.go(f"{ROOT}/{found['PublisherProgramId']}", SAVED)
    return await _page(
        visit, found, cards, enabled=enabled, is_changed=True, trouble=trouble, status=status
    )


async def _page(
    visit: Visit,
    found: Facts,
    cards: Sequence[Card],
    *,
    enabled: bool,
    is_changed: bool = False,
    trouble: str = "",
    status: int = 200,
) -> Response:
    made, untried = await _made(visit, cards)
    waiting = await visit.api.get(f"{_path(visit)}/waiting")
    return visit.page(
        "learning/subscription.html",
        status=status,
        it=found,
        cards=cards,
        enabled=enabled,
        is_changed=is_changed,
        trouble=trouble,
        made=made,
        untried=untried,
        waiting=waiting,
        wrong=sum(bool(card.errors) for card in cards),
        may_change=visit.api.caller.system,
        most_cards=MOST_CARDS,
    )


async def _made(
    visit: Visit, cards: Sequence[Card], *, only: int | None = None
) -> tuple[Mapping[str, Facts], str]:
    """Try the cards on recent events: what each makes, by key; or why that cannot be told."""
    said: Facts = {}
    if visit.api.caller.system:
        said = {"LbApiPayloadTemplate": tried(cards, only)}
    try:
        found = await visit.api.post(f"{_path(visit)}/preview", said)
    except Refusal as refusal:
        return {}, str(refusal)
    made = {entry["Key"]: entry for entry in found["Entries"]}
    if DEFAULT in made:
        made[ALIAS] = made[DEFAULT]
    return made, ""


def _json(visit: Visit, found: Facts, form: Mapping[str, str], refusal: Refusal | None) -> Response:
    flaws = refusal.flaws if refusal else {}
    told = [
        f"{pointer.removeprefix(TEMPLATE) or 'The whole'}: {words}"
        for pointer, words in flaws.items()
    ]
    return ask(
        visit,
        "learning/subscription_json.html",
        form,
        refusal,
        errors={"LbApiPayloadTemplate": "; ".join(told)} if told else {},
        it=found,
        may_change=visit.api.caller.system,
    )


def _path(visit: Visit) -> str:
    return f"/api/programs/{visit.program}/eventSubs/{visit.request.path_params['publisher']}"


PAGES: Pages = (
    ("/learning/subscriptions/{publisher}", ["GET"], show),
    ("/learning/subscriptions/{publisher}", ["POST"], change),
    ("/learning/subscriptions/{publisher}/preview", ["POST"], preview),
    ("/learning/subscriptions/{publisher}/json", ["GET"], show_json),
    ("/learning/subscriptions/{publisher}/json", ["POST"], change_json),
)
