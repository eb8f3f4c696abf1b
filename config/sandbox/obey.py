"""Does what a switch says with one request."""

from collections.abc import Callable, Mapping
from typing import assert_never

import msgspec
from starlette.responses import Response

from config.sandbox.line import Ending, Line, Unanswered
from config.sandbox.switch import Mode, Switch

Work = Callable[[], Response]
"""What an honest endpoint would do, and its answer."""


async def obey(switch: Switch, line: Line, work: Work) -> Response:
    """Answer as the switch says; the work is done where the mode lets it be done."""
    mode = Mode(switch.mode)
    match mode:
        case Mode.OK:
            return work()
        case Mode.STATUS:
            return told(switch, switch.status or 500)
        case Mode.SLOW:
            await line.wait(switch.seconds or 0)
            return work()
        case Mode.SILENT:
            return Unanswered(Ending.SILENT)
        case Mode.RESET:
            return Unanswered(Ending.RESET)
        case Mode.CLOSE:
            return Unanswered(Ending.CLOSED)
        case Mode.APPLY_THEN_RESET:
            work()
            return Unanswered(Ending.RESET)
        case Mode.APPLY_THEN_503:
            work()
            return told(switch, 503)
        case _:
            assert_never(mode)


def told(switch: Switch, status: int) -> Response:
    """Build the answer that a switch spells out."""
    headers = {} if switch.retry_after is None else {"Retry-After": str(switch.retry_after)}
    if status in {204, 304}:
        return Response(status_code=status, headers=headers)
    if isinstance(switch.body, str):
        return Response(switch.body, status, headers, media_type="text/plain")
    return as_json(
        switch.body or {"error": f"the sandbox was told to answer {status}"}, status, headers
    )


def as_json(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Build a JSON answer."""
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
