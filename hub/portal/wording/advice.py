"""What helps a statement that was refused, by what the server answered. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

SAME_BYTES = "Releasing sends the same bytes again, so it helps only once the server takes them."
OTHERWISE = "The server's words say why. " + SAME_BYTES
ADVICE: Mapping[int, str] = MappingProxyType(
    {
        400: "The server could not make sense of the statement, or it breaks a rule of the server: "
        "its words say which. Mend what makes these statements, and discard this one. "
        + SAME_BYTES,
        402: "The customer's account with its provider is not paid, or its contingent is used up. "
        "Release it once the customer has settled that.",
        406: "The server will not answer in JSON. Ask its provider; nothing here can be changed.",
        409: "The server has another statement with this id and will never take this one: discard "
        "it, after looking whether what the server has is what was meant.",
        411: "The server asks for a length that was sent: something on the way takes it away. "
        "Ask whoever runs the server's proxy, then release it.",
        412: "The server asks for another version of xAPI, or for a condition that nobody set. "
        "Compare the provider's xAPI version, then release it.",
        413: "The statement is larger than the server takes. Ask its provider for a larger limit, "
        "and release it then; or make it smaller where it is made, and discard this one.",
        414: "The server finds the address too long. Look at the statement URL of the integration.",
        415: "The server does not take JSON at this address. Look whether the statement URL is "
        "that of the statements; changing it releases everything.",
        422: "The server read the statement, but will not have what it says: a learner or a course "
        "that it does not know, mostly. Make them known there, then release it.",
        424: "The server waits for something else first. Release it a little later.",
        428: "The server wants a condition that statements do not have. Ask its provider.",
        431: "The server finds the headers too large, the access token mostly. Ask its provider.",
        451: "The server may not take it for reasons of law. Ask the customer, then discard it.",
    }
)


def advice(status: int | None) -> str:
    """Say what to do about a statement that was answered with this status."""
    return OTHERWISE if status is None else ADVICE.get(status, OTHERWISE)
