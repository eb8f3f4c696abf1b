"""Webhooks: whoever proves to be the sender may hand in what happened; no key of ours is needed.

202 means that the bytes and headers are durable. What repeats a delivery is answered 200, and is
not taken twice; what repeats a signature is refused.

Deliveries come on a plain Starlette route, as statements do; `openapi` describes it.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from hub.api.errors import NotConfirmed, NotFound, NotJson, NotProven
from hub.api.facts import note
from hub.api.house import House, house_of
from hub.api.rates import Rates
from hub.records.format import Format, Kind
from hub.registry.pipeline.sources import SourceRecord
from hub.sources.announcement import prove_announcer, to_confirm
from hub.sources.proof import NotProven as Unproven
from hub.sources.proof import prove, zoom_challenge
from hub.sources.settings import FORM, BucketSource, WebhookSource

PATH = "/hooks/{source_id}"
router = APIRouter(tags=["Webhooks"])

SECRET_HEADER = re.compile(r"cookie|authorization|token|secret|password|api-?key")
MOST_HEADERS, LONGEST_HEADER = 50, 1000
ZOOM_QUESTION = "endpoint.url_validation"


@router.get(PATH, response_class=PlainTextResponse)
async def answer_probe(source_id: str) -> str:  # noqa: ARG001  whether it is there is nobody's business
    """Answer senders that look whether the address is there before they use it."""
    return "ready"


async def take_webhook(request: Request) -> Response:
    """Take one delivery of a sender."""
    house, source_id = house_of(request), str(request.path_params["source_id"])
    known = await house.known_sources.find(source_id)
    if known is None or not isinstance(known.said, WebhookSource | BucketSource):
        raise NotFound(f"there is no source {source_id}")
    note(request, source=source_id)
    source, said = known.record, known.said
    if isinstance(said, BucketSource):
        return await _announced(house, source, said, request)
    RATES.spend(source_id, house.clock(), per_second=said.rate_per_second)
    return await _take(house, source, said, request)


ROUTES = (Route(PATH, take_webhook, methods=["POST"]),)


async def _take(
    house: House, source: SourceRecord, said: WebhookSource, request: Request
) -> Response:
    packed = request.headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise NotJson(f"only what is not packed is taken here, not {packed[:LONGEST_HEADER]}")
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        proof = prove(said.signature, said.secret, headers, body, house.clock())
    except Unproven as error:
        raise NotProven(f"this webhook {error}") from error
    if said.signature.scheme == "zoom" and (question := _zoom_question(body)) is not None:
        return JSONResponse(zoom_challenge(said.secret, question))
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    form = Format(Kind.FORM if media_type == FORM else Kind.JSON, pointer=said.records)
    file, is_new = await house.receiving.land(
        source,
        body,
        name=proof.delivery_id or "webhook",
        form=form,
        headers=_kept(headers),
        proof=proof.signature,
        delivery_id=proof.delivery_id,
    )
    note(request, file=file.id, new=is_new)
    return JSONResponse({"fileId": file.id}, 202 if is_new else 200)


async def _announced(
    house: House, source: SourceRecord, said: BucketSource, request: Request
) -> Response:
    """Look through a bucket at once, because somebody says that something is new in it."""
    if said.secret is None:
        raise NotFound(f"there is no source {source.id}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        prove_announcer(said.secret, headers, house.clock())
        confirm_at = to_confirm(await request.body(), said.topic_arn)
    except Unproven as error:
        raise NotProven(f"this webhook {error}") from error
    RATES.spend(source.id, house.clock(), per_second=100)
    if confirm_at is not None and (trouble := await house.fetching.confirm(confirm_at)):
        # Whoever asked comes again.
        raise NotConfirmed(f"the subscription could not be confirmed: {trouble}")
    await house.sources.ask_now(source.id)
    return JSONResponse({"sourceId": source.id}, 202)


RATES = Rates("webhooks")


def _zoom_question(body: bytes) -> str | None:
    try:
        asked: Any = msgspec.json.decode(body)
        token = asked["payload"]["plainToken"]
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
        return None
    return token if asked.get("event") == ZOOM_QUESTION and isinstance(token, str) else None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the headers that are kept with the body: bounded, and without secrets."""
    kept = {
        name: value[:LONGEST_HEADER]
        for name, value in headers.items()
        if not SECRET_HEADER.search(name)
    }
    return dict(list(kept.items())[:MOST_HEADERS])
