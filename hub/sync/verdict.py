"""What came of posting a batch. Pure: every reply of LearningBuilder is judged here.

| reply                                        | state     | applied?                              |
|----------------------------------------------|-----------|---------------------------------------|
| 2xx                                          | accepted  | yes                                   |
| 408, 5xx, silence, a connection that broke   | unknown   | perhaps: it is posted again as it was |
| 429, no address, nobody listens              | unreached | no; it may go through a little later  |
| any other answer, 3xx among them             | refused   | no; somebody has to change something  |
| an address that may not be reached           | refused   | no                                    |

The address is the program's own, so a redirect, which would carry its key elsewhere, is refused.
"""

import json

from delivery.facts.outcome import Answer, Failure, NoAnswer, Reply, describe
from hub.registry.clearing_house.sync_batches import BatchAnswer, BatchState

NOT_SENT = frozenset({Failure.NAME_NOT_FOUND, Failure.CONNECTION_REFUSED})
LONGEST_ANSWER, LONGEST_ID, LONGEST_DETAILS = 2000, 200, 2000


def judge(reply: Reply) -> BatchAnswer:
    """Say what a reply to CreateBatch means."""
    match reply:
        case NoAnswer():
            return BatchAnswer(_unanswered(reply.failure), stored(describe(reply), LONGEST_ANSWER))
        case Answer(status=status, body=body) if 200 <= status < 300:
            batch_id, details = _receipt(body)
            return BatchAnswer(
                BatchState.ACCEPTED, stored(body, LONGEST_ANSWER), status, batch_id, details
            )
        case Answer():
            words = stored(describe(reply), LONGEST_ANSWER)
            return BatchAnswer(_unwilling(reply.status), words, reply.status)


def is_silence(answer: BatchAnswer) -> bool:
    """Say whether nothing came back although the batch may have arrived."""
    return answer.state is BatchState.UNKNOWN and answer.status is None


def stored(text: str, longest: int) -> str:
    """Make a foreign text one that every database can hold."""
    whole = text.encode("utf-8", "replace").decode()
    return whole.replace("\0", "\ufffd")[:longest]


def _unanswered(failure: Failure) -> BatchState:
    if failure is Failure.ADDRESS_REFUSED:
        return BatchState.REFUSED
    return BatchState.UNREACHED if failure in NOT_SENT else BatchState.UNKNOWN


def _unwilling(status: int) -> BatchState:
    if status >= 500 or status == 408:
        return BatchState.UNKNOWN
    return BatchState.UNREACHED if status == 429 else BatchState.REFUSED


def _receipt(body: str) -> tuple[str | None, str | None]:
    """Read queueBatchId and queueBatchDetails; an answer without them is an acceptance too."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(content, dict):
        return None, None
    return (
        _text(content.get("queueBatchId"), LONGEST_ID),
        _text(content.get("queueBatchDetails"), LONGEST_DETAILS),
    )


def _text(value: object, longest: int) -> str | None:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return stored(str(value), longest)
    return None
