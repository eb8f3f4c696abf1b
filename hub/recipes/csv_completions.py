"""csv-completions: rows of courses that learners have finished.

Columns `email` and/or `sso_id`, `course_uri` and/or `course_uuid`, and `completed_at`; `id`,
`course_name` and `verb` where there are any. Options: `columns` names the columns of a file that
calls them otherwise, `dateFormat` and `timezone` say how it writes times.
"""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from hub.recipes.kit import Completion, Context, Record, RecordFault, timestamp
from hub.xapi.flaw import flaws_of, point

Parts = Sequence[tuple[str, Sequence[tuple[str, str]]]]

NAMES = frozenset(
    {
        "id",
        "email",
        "sso_id",
        "learner_name",
        "course_uri",
        "course_uuid",
        "course_name",
        "completed_at",
        "verb",
    }
)
OPTIONS = ("columns", "dateFormat", "timezone")
PARTS: Parts = (
    ("learner", (("email", "email"), ("ssoId", "sso_id"), ("name", "learner_name"))),
    ("course", (("uri", "course_uri"), ("uuid", "course_uuid"), ("name", "course_name"))),
    ("", (("id", "id"), ("verb", "verb"))),
)
"""The members of a completion, and the columns they are in."""
PLACES = {
    "/learner/email": "email",
    "/learner/ssoId": "sso_id",
    "/learner": "email",
    "/course/uri": "course_uri",
    "/course/uuid": "course_uuid",
    "/course": "course_uri",
    "/completedAt": "completed_at",
    "/verb": "verb",
    "/id": "id",
}


def csv_completions(record: Record, context: Context) -> Completion:
    """Read one row as a completion."""
    named = context.once(columns_of)
    said = {
        part: {
            member: value for member, name in members if (value := record.text(name)) is not None
        }
        for part, members in context.once(_parts_of)
    }
    form: dict[str, object] = {**said.pop(""), **said}
    form["completedAt"] = _completed_at(record, named.get("completed_at", "completed_at"), context)
    try:
        return Completion.model_validate(form)
    except ValidationError as error:
        flaw = next(flaws_of(error))
        name = PLACES.get(flaw.pointer, "")
        raise RecordFault(named.get(name, name), flaw.detail) from None


def columns_of(options: Mapping[str, object]) -> Mapping[str, str]:
    """Read how a file calls our columns: `{"email": "E-mail"}`, or the other way round.

    Raises RecordFault for a column that we do not have.
    """
    written = options.get("columns") or {}
    if not isinstance(written, Mapping):
        raise RecordFault("", "the option columns must name columns by columns")
    found: dict[str, str] = {}
    for one, other in written.items():
        if not isinstance(other, str):
            raise RecordFault("", f"the option columns must name a column for {one!r}")
        if one in NAMES:
            found[one] = other
        elif other in NAMES:
            found[other] = one
        else:
            known = ", ".join(sorted(NAMES))
            raise RecordFault("", f"neither {one!r} nor {other!r} is one of {known}")
    return found


def check_options(options: Mapping[str, object]) -> tuple[str, str] | None:
    """Say what is wrong with the options, and where; None if nothing is."""
    for name, value in options.items():
        if name not in OPTIONS:
            return point(name), f"is no option of this recipe: it has {', '.join(OPTIONS)}"
        if name != "columns" and not isinstance(value, str):
            return point(name), "must be a text"
    try:
        columns_of(options)
    except RecordFault as fault:
        return "/columns", fault.reason
    try:
        Context(options).zone()
    except RecordFault as fault:
        return "/timezone", fault.reason
    return None


def _parts_of(options: Mapping[str, object]) -> Parts:
    named = columns_of(options)
    return [
        (part, [(member, named.get(name, name)) for member, name in members])
        for part, members in PARTS
    ]


def _completed_at(record: Record, column: str, context: Context) -> str:
    written = record.needed(column)
    form, zone = context.option("dateFormat", ""), context.option("timezone", "")
    if not form and not zone and len(written) > len("2026-03-02") and written[10:11] in "Tt":
        # As it stands, if it is a timestamp of xAPI; the completion says so if it is none.
        return written
    moment = record.moment(column, formats=[form] if form else (), zone=context.zone())
    return timestamp(moment) if moment else written
