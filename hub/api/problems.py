"""How errors are answered: RFC 9457, one table for all of them, and never a trace."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from delivery.facts.errors import (
    DeliveryError,
    QueueFull,
    StatementConflict,
    StatementsWaiting,
    StoreFull,
    StoreUnavailable,
    UnknownIntegration,
)
from hub.api.errors import (
    AlreadyThere,
    ApiError,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    NoRecipe,
    NotConfirmed,
    NotFound,
    NotJson,
    NotProven,
    NoUploads,
    PreconditionFailed,
    TooOften,
    Unauthenticated,
    Unprocessable,
)
from hub.api.template_checks import BadTemplates
from hub.errors import (
    BadCursor,
    BadProgramId,
    EventExists,
    HubError,
    IntegrationExists,
    LandingUnavailable,
    NoLearningBuilder,
    NotLanded,
    ProgramExists,
    ProviderExists,
    ProviderInUse,
    RegistryUnavailable,
    RepeatedSignature,
    RevisionMismatch,
    SourceInUse,
    SubscriptionExists,
    SyncRunning,
    TooLarge,
    UnknownConversion,
    UnknownEvent,
    UnknownFile,
    UnknownKey,
    UnknownProgram,
    UnknownProvider,
    UnknownSource,
    UnknownSubscription,
    UnstorableValue,
)
from hub.events.reading import InvalidEvents
from hub.templates.fault import RendererDown, TemplateFault
from hub.xapi.errors import Invalid, TooMany, XapiError
from hub.xapi.flaw import MOST_FLAWS, Flaw, flaw_of

MEDIA_TYPE = "application/problem+json"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Learning Hub", charset="UTF-8", Bearer'}
HOOK_CHALLENGE = {"WWW-Authenticate": 'Basic realm="webhooks"'}
"""Amazon SNS sends user and password only when it is asked for them, with a realm."""
COME_BACK_SOON = {"Retry-After": "2"}
COME_BACK_LATER = {"Retry-After": "30"}
MOST_WORDS = 500

OURS = (ApiError, HubError, XapiError, DeliveryError, HTTPException, RequestValidationError)
"""Every error that has an answer; any other is a bug, and answered as 500."""


def problem(
    status: int,
    detail: str | None = None,
    *,
    errors: Sequence[Flaw] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response:
    """Write one problem; `members` are told beside those that every problem has."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    if detail:
        content["detail"] = detail[:MOST_WORDS]
    if errors:
        content["errors"] = [flaw._asdict() for flaw in errors[:MOST_FLAWS]]
    return Response(orjson.dumps(content | dict(members or {})), status, headers, MEDIA_TYPE)


async def answer(_request: Request, error: Exception) -> Response:
    """Answer any of our errors, or the framework's."""
    match error:
        case HTTPException():
            return _framework(error)
        case RequestValidationError():
            flaws = [flaw for one in error.errors() for flaw in [_flaw(one)]]
            return problem(422, f"{flaws[0].pointer}: {flaws[0].detail}".lstrip(": "), errors=flaws)
        case Invalid():
            return problem(400, str(error), errors=error.errors)
        case AlreadyThere():
            return problem(409, str(error), errors=error.errors)
        case InvalidEvents():
            return problem(422, str(error), errors=error.errors)
        case BadTemplates(faults=[first, *_]):
            return problem(422, str(error), errors=error.errors, members=_places(first, error))
        case Unprocessable():
            return problem(422, str(error), errors=error.errors)
        case Unauthenticated():
            return problem(401, str(error), headers=CHALLENGE)
        case NotProven():
            return problem(401, str(error), headers=HOOK_CHALLENGE)
        case RendererDown() | NotConfirmed():
            return problem(503, str(error), headers=COME_BACK_SOON)
        case TooOften(pause=pause):
            return problem(429, str(error), headers={"Retry-After": f"{pause.seconds}"})
        case LandingUnavailable():
            return problem(503, "what came cannot be kept; try again", headers=COME_BACK_SOON)
        case StoreFull():
            return problem(429, "no memory is left for more statements", headers=COME_BACK_LATER)
        case StoreUnavailable() | RegistryUnavailable():
            return problem(503, "the store does not answer; try again", headers=COME_BACK_SOON)
        case QueueFull():
            return problem(429, str(error), headers=COME_BACK_LATER)
        case _:
            return problem(_status(error), str(error) or None)


def _places(first: TemplateFault, error: BadTemplates) -> Mapping[str, object]:
    told = zip(error.errors, error.faults, strict=False)
    faults = [
        {"pointer": flaw.pointer, "line": fault.line, "column": fault.column}
        for flaw, fault in told
    ]
    return {"line": first.line, "column": first.column, "faults": faults[:MOST_FLAWS]}


def _status(error: Exception) -> int:
    match error:
        case BadRequest() | BadCursor():
            return 400
        case Forbidden():
            return 403
        case NotFound() | UnknownIntegration() | UnknownProgram() | UnknownProvider():
            return 404
        case UnknownEvent() | UnknownSubscription() | UnknownKey() | UnknownConversion():
            return 404
        case UnknownSource() | UnknownFile() | NotLanded():
            return 404
        case EventExists() | SubscriptionExists() | SyncRunning() | RepeatedSignature():
            return 409
        case StatementConflict() | StatementsWaiting():
            return 409
        case (
            ProgramExists()
            | ProviderExists()
            | IntegrationExists()
            | ProviderInUse()
            | SourceInUse()
        ):
            return 409
        case RevisionMismatch() | PreconditionFailed():
            return 412
        case NoUploads() | NoRecipe():
            return 409
        case BodyTooLarge() | TooMany() | TooLarge():
            return 413
        case NotJson():
            return 415
        case BadProgramId() | UnstorableValue() | NoLearningBuilder():
            return 422
        case _:
            raise error


def _framework(error: HTTPException) -> Response:
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    return problem(error.status_code, detail, headers=error.headers)


def _flaw(error: Mapping[str, object]) -> Flaw:
    place = error["loc"]
    where, *steps = place if isinstance(place, tuple) else ("body",)
    kind, words = str(error["type"]), str(error["msg"])
    if where == "body":
        return flaw_of(kind, steps, words)
    name = ".".join(map(str, steps))
    return Flaw("", f"the {where} parameter {name} {flaw_of(kind, (), words).detail}")
