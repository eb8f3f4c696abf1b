"""The pages: everything on one, and the mailbox. They work without JavaScript."""

import secrets
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from config.sandbox.oauth import CLIENT_ID
from config.sandbox.state import Sandbox
from config.sandbox.wording import describe, sentence

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_STATEMENTS = 20
SHOWN_REQUESTS = 40
SHOWN_BATCHES = 20

_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_style = (TEMPLATES / "style.css").read_bytes()


async def index(request: Request) -> Response:
    """Show what the sandbox is, how it stands, and what came in."""
    sandbox: Sandbox = request.app.state.sandbox
    return page(
        request,
        "index.html",
        state=sandbox.state(),
        client=_client(sandbox),
        refresh_token=next(iter(sandbox.oauth.refresh_tokens), None),
        statements_word=describe(sandbox.statements.switch, "Stores"),
        token_word=describe(sandbox.token.switch, "Issues the token"),
        batches_word=describe(sandbox.batches.switch, "Imports"),
        imports=sandbox.imports.batches()[:SHOWN_BATCHES],
        mail_word=describe(sandbox.mail.switch, "Keeps"),
        lines=[sentence(held) for held in sandbox.lrs.latest(SHOWN_STATEMENTS)],
        requests=sandbox.log.entries()[:SHOWN_REQUESTS],
    )


async def mailbox(request: Request) -> Response:
    """Show the list of mails, and one of them."""
    sandbox: Sandbox = request.app.state.sandbox
    mails = sandbox.mailbox.mails()
    wanted = request.path_params.get("mail_id")
    mail = sandbox.mailbox.find(wanted) if wanted is not None else None
    if wanted is not None and mail is None:
        return page(request, "problem.html", status=404, sentence=f"There is no mail {wanted}.")
    # Mails bring their own inline styles; scripts stay forbidden, here and in the frame.
    return page(request, "mailbox.html", inline_styles=True, mails=mails, mail=mail)


async def style(_request: Request) -> Response:
    """Give out the style sheet."""
    return Response(_style, media_type="text/css", headers={"Cache-Control": "no-cache"})


def nothing_here(request: Request, status: int) -> Response:
    """Say that there is no such page, or not this method for it."""
    sentence = f"There is no {request.method} {request.url.path} here."
    return page(request, "problem.html", status=status, sentence=sentence)


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    inline_styles: bool = False,
    **content: object,
) -> Response:
    """Fill a template, and forbid the page everything that it does not need."""
    sandbox: Sandbox = request.app.state.sandbox
    nonce = secrets.token_urlsafe(16)
    html = _environment.get_template(template).render(
        nonce=nonce,
        addresses=_addresses(request),
        now=sandbox.clock(),
        mail_count=len(sandbox.mailbox.mails()),
        **content,
    )
    headers = {
        "Content-Security-Policy": _policy(nonce, inline_styles=inline_styles),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, status, headers)


def _policy(nonce: str, *, inline_styles: bool) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self' 'unsafe-inline'" if inline_styles else "style-src 'self'",
            f"script-src 'nonce-{nonce}'",
            "connect-src 'self'",
            "img-src data:",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _addresses(request: Request) -> dict[str, str | None]:
    home = str(request.base_url).rstrip("/")
    listening = getattr(request.app.state, "addresses", None)
    mail = None
    if listening is not None and listening.smtp_port is not None:
        mail = f"smtp://{request.url.hostname}:{listening.smtp_port}"
    return {
        "statements": f"{home}/xapi/statements",
        "token": f"{home}/oauth/token",
        "learning_builder": home,
        "mail": mail,
    }


def _client(sandbox: Sandbox) -> tuple[str, str] | None:
    clients = sandbox.oauth.clients
    if CLIENT_ID in clients:
        return CLIENT_ID, clients[CLIENT_ID]
    return next(iter(clients.items()), None)
