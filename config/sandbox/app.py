"""The sandbox as one ASGI application: which address leads where."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.sandbox import learning_builder, pages, switchboard, token_endpoint, xapi
from config.sandbox.state import Sandbox


def build(sandbox: Sandbox) -> Starlette:
    """Wire a sandbox to its addresses."""
    app = Starlette(
        routes=[
            Route("/xapi/statements", xapi.statements, methods=["POST", "PUT", "GET"]),
            Route("/oauth/token", token_endpoint.token, methods=["POST"]),
            Route("/xapi/about", xapi.about),
            Route(
                "/API/WorkflowImportQueue/CreateBatch",
                learning_builder.create_batch,
                methods=["POST"],
            ),
            Route("/batches", learning_builder.batches),
            Route("/batches/{batch_id}", learning_builder.batch),
            Route("/control", switchboard.control, methods=["GET", "POST"]),
            Route("/counts", switchboard.counts),
            Route("/ids", switchboard.ids),
            Route("/log", switchboard.log),
            Route("/mailbox.json", switchboard.mails),
            Route("/mailbox", pages.mailbox),
            Route("/mailbox/{mail_id:int}", pages.mailbox),
            Route("/style.css", pages.style),
            Route("/", pages.index),
        ],
        exception_handlers={404: _nothing_here, 405: _nothing_here},
    )
    app.state.sandbox = sandbox
    return app


async def _nothing_here(request: Request, flaw: Exception) -> Response:
    status = flaw.status_code if isinstance(flaw, HTTPException) else 404
    if request.url.path.startswith("/xapi"):
        return xapi.nothing_here(request, status)
    return pages.nothing_here(request, status)
