"""What depends on more than one place in a statement (xAPI 1.0.3 Part Two, 2.3.2, 2.4.5, 2.4.6)."""

from collections.abc import Iterator

from hub.xapi.activity import Activity
from hub.xapi.flaw import Flaw
from hub.xapi.model import Score, StatementModel, StatementRef, SubStatement

VOIDED = "http://adlnet.gov/expapi/verbs/voided"


def contradictions(statement: StatementModel, xapi_version: str) -> Iterator[Flaw]:
    """Find what cannot stand together; `xapi_version` counts where the statement names none."""
    is_second = (statement.version or xapi_version).startswith("2.")
    yield from _contradictions(statement, "", is_second=is_second)
    if isinstance(statement.object, SubStatement):
        yield from _contradictions(statement.object, "/object", is_second=is_second)


def _contradictions(
    statement: StatementModel | SubStatement, place: str, *, is_second: bool
) -> Iterator[Flaw]:
    if statement.verb.id == VOIDED and not isinstance(statement.object, StatementRef):
        yield Flaw(f"{place}/object", "a voiding statement must have a StatementRef as its object")
    if statement.result is not None and statement.result.score is not None:
        yield from _score(statement.result.score, f"{place}/result/score")
    if statement.context is None:
        return
    present = statement.context.model_fields_set
    if not isinstance(statement.object, Activity):
        for name in sorted(present & {"revision", "platform"}):
            yield Flaw(f"{place}/context/{name}", "is allowed only where the object is an Activity")
    if not is_second:
        if "context_agents" in present:
            yield Flaw(f"{place}/context/contextAgents", "exists only in xAPI 2.0")
        if "context_groups" in present:
            yield Flaw(f"{place}/context/contextGroups", "exists only in xAPI 2.0")


def _score(score: Score, place: str) -> Iterator[Flaw]:
    if score.min is not None and score.max is not None and score.min >= score.max:
        yield Flaw(f"{place}/min", "must be less than max")
    if score.raw is None:
        return
    if score.min is not None and score.raw < score.min:
        yield Flaw(f"{place}/raw", "must not be less than min")
    if score.max is not None and score.raw > score.max:
        yield Flaw(f"{place}/raw", "must not be greater than max")
