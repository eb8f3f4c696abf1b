"""What may be wrong when a step of a rehearsal fails, and what to do about it. Pure."""

from urllib.parse import urlsplit

from delivery.facts.outcome import Answer, Failure, NoAnswer, Reply

CREDENTIALS = (
    "Invalid Credentials: Client Id, Client Secret or Authentication URL may be incorrect. Copy "
    "them once more from where the server shows them."
)
UNREACHED = {
    Failure.NAME_NOT_FOUND: (
        "The name does not exist. Look for a typing error; a name that only your own network knows "
        "cannot be found from here."
    ),
    Failure.ADDRESS_REFUSED: (
        "The hub sends to public addresses only, over https. Use the server's public address."
    ),
    Failure.CONNECTION_REFUSED: (
        "Nothing listens there, or a firewall is in the way. Check the port, and let the hub in."
    ),
    Failure.CONNECTION_RESET: (
        "The server, or a firewall before it, closes the connection. It may let in known addresses "
        "only."
    ),
    Failure.TIMEOUT: (
        "The server did not answer in time. It may be down or busy, or a firewall drops what comes "
        "from the hub."
    ),
    Failure.TLS: (
        "The certificate has ended, is for another name, or does not come with its whole chain. "
        "Whoever runs the server has to mend it."
    ),
    Failure.PROTOCOL: (
        "What answers there does not speak HTTP. Check the port, and that the address begins with "
        "https."
    ),
}
BUSY = "The server asks us to wait. Nothing has to be changed: it is tried again every minute."
TROUBLE = "The server has trouble of its own. Nothing has to be changed: it is tried every minute."
ELSEWHERE = "The server sends us elsewhere, which is never followed. Enter the address it names."
TOKEN = {
    400: CREDENTIALS,
    401: CREDENTIALS,
    403: CREDENTIALS,
    404: "There is no token endpoint at the Authentication URL. It often ends in /token.",
    405: "The Authentication URL takes no POST. It often ends in /token.",
    410: "The token endpoint is gone. Ask whoever runs the server for the new Authentication URL.",
}
NOTHING_GRANTED = (
    "The Authentication URL answers without an access token. It may be a page for people; the "
    "token endpoint (OAuth 2.0, client credentials) is needed."
)
UNWANTED = (
    "The server will not have this statement, and its answer says why. The provider's rules for "
    "actor and object may not be what it wants."
)
STATEMENT = {
    400: UNWANTED,
    401: "A token was granted, and this server does not take it. The two URLs may belong to "
    "different systems, or a scope is missing (under More).",
    403: "The client may not write statements. Whoever runs the server has to allow it, or a scope "
    "is missing (under More).",
    404: "Nothing is at the Statement URL.",
    405: "The Statement URL takes no POST.",
    409: "The server has a statement with this id that says something else.",
    410: "What was at the Statement URL is gone. Ask for the new address.",
    413: "The server finds one statement too large already. Whoever runs it has to allow more.",
    415: "The server takes no JSON there. The Statement URL may be no xAPI endpoint.",
    422: UNWANTED,
}
MISPLACED = frozenset({404, 405})
OTHER = "The server refuses, and its answer should say why."


def hint(step: str, reply: Reply, url: str) -> str:
    """Say what to do after `step`, which led to `url`, failed with `reply`: some sentences."""
    match reply:
        case NoAnswer(failure=failure):
            return UNREACHED[failure]
        case Answer(status=status):
            return _of_answer(step, status, url)


def _of_answer(step: str, status: int, url: str) -> str:
    if status >= 500:
        return TROUBLE
    if status in {408, 425, 429}:
        return BUSY
    if 300 <= status < 400:
        return ELSEWHERE
    if step == "token":
        return NOTHING_GRANTED if status < 300 else TOKEN.get(status, CREDENTIALS)
    told = STATEMENT.get(status, OTHER)
    return f"{told} {_meant(url)}" if status in MISPLACED else told


def _meant(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if path.endswith("/statements"):
        return "Ask whoever runs the server for the address that statements are posted to."
    meant = parts._replace(path=f"{path}/statements").geturl()
    return f"It usually ends in /statements: did you mean {meant}?"
