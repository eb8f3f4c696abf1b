"""The application: all routes on one FastAPI app, behind one door."""

from fastapi import APIRouter, FastAPI

from hub.api import (
    attempts,
    audit,
    completions,
    downloads,
    event_completions,
    events,
    health,
    histories,
    hooks,
    integrations,
    keys,
    mails,
    operations,
    outlooks,
    parked,
    previews,
    problems,
    programs,
    providers,
    queues,
    recipes,
    rehearsals,
    source_downloads,
    source_files,
    sources,
    statements,
    stories,
    subscriptions,
    syncs,
)
from hub.api.door import Door
from hub.api.explorer import add_explorer
from hub.api.house import House
from hub.api.openapi import describing

DESCRIPTION = "What was accepted is delivered, in order, however long the other side is down."


def build(house: House) -> FastAPI:
    """Build the application for this house."""
    app = FastAPI(
        title="Learning Hub",
        version=house.version,
        description=DESCRIPTION,
        # Traces may be asked for; our numbers come from delivery, and logs from structlog.
        telemetry={"metrics": False, "logs": False},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        # The hottest routes come first, for routes are tried in order.
        routes=[*statements.ROUTES, *events.ROUTES, *hooks.ROUTES],
    )
    app.state.house = house
    app.add_middleware(
        Door,
        max_body_bytes=house.limits.max_body_bytes,
        max_file_bytes=house.limits.max_file_bytes,
    )
    for error in problems.OURS:
        app.add_exception_handler(error, problems.answer)
    for router in _routers():
        app.include_router(router)
    # Every path of the Learning Hub table exists with and without /api.
    for router in _learning_hub():
        app.include_router(router, prefix="/api")
        app.include_router(router, include_in_schema=False)
    add_explorer(app)
    app.openapi = describing(app)  # type: ignore[method-assign]  # FastAPI's own way to do this
    return app


def _learning_hub() -> tuple[APIRouter, ...]:
    return (
        programs.router,
        previews.router,
        events.router,
        subscriptions.router,
        outlooks.router,
        syncs.router,
        event_completions.router,
        mails.router,
    )


def _routers() -> tuple[APIRouter, ...]:
    return (
        completions.router,
        attempts.router,
        parked.router,
        queues.router,
        downloads.router,
        histories.router,
        stories.router,
        stories.of_program,
        operations.router,
        integrations.everybody,
        integrations.router,
        integrations.one,
        rehearsals.router,
        rehearsals.of_program,
        providers.router,
        providers.of_program,
        keys.router,
        audit.router,
        audit.of_program,
        sources.router,
        sources.of_program,
        sources.one,
        source_files.router,
        source_files.uploads,
        source_downloads.router,
        recipes.router,
        hooks.router,
        health.router,
    )
