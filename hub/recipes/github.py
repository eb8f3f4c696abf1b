"""github: commits, pull requests, reviews, issues and comments, from the webhooks of GitHub.

The header `X-GitHub-Event` says what a webhook is. A push makes a statement for each commit that is
new; activities are named by their pages, and the repository is their parent. What bots do makes no
statement. Option: `homePage`, for accounts of a GitHub server of one's own.
"""

from collections.abc import Callable

from hub.recipes.kit import (
    Context,
    Made,
    Record,
    RecordFault,
    Skip,
    StatementMap,
    account,
    activity,
    agent,
    statement,
    verb,
)

HEADER = "x-github-event"
HOME_PAGE = "https://github.com"
CREATED = verb("http://activitystrea.ms/schema/1.0/create", "created")
SUBMITTED = verb("http://activitystrea.ms/schema/1.0/submit", "submitted")
APPROVED = verb("http://activitystrea.ms/schema/1.0/approve", "approved")
CLOSED = verb("http://activitystrea.ms/schema/1.0/close", "closed")
REVIEWED = verb("http://id.tincanapi.com/verb/reviewed", "reviewed")
COMMENTED = verb("http://adlnet.gov/expapi/verbs/commented", "commented on")
COMMIT = "http://id.tincanapi.com/activitytype/code-commit"
PROJECT = "http://id.tincanapi.com/activitytype/project"
SUGGESTION = "http://id.tincanapi.com/activitytype/suggestion"
ISSUE = "http://activitystrea.ms/schema/1.0/issue"
REVIEW = "http://activitystrea.ms/schema/1.0/review"
COMMENT = "http://activitystrea.ms/schema/1.0/comment"
BOT = "[bot]"
BOTS_DO = Skip("a bot did it")


def github(record: Record, context: Context) -> Made:
    """Tell of commits, pull requests, reviews, issues and comments, from GitHub's webhooks."""
    event = record.headers.get(HEADER)
    if not event:
        raise RecordFault(HEADER, "is missing, the header that says what happened")
    if event == "push":
        return _push(record, context)
    make = MAKERS.get((event, record.text("action") or ""))
    return make(record, context) if make else Skip(f"the event {event[:60]} makes no statement")


def _push(record: Record, context: Context) -> Made:
    commits = record.get("commits")
    if not isinstance(commits, list):
        raise RecordFault("commits", "must be a list")
    paths = [f"commits.{place}" for place in range(len(commits))]
    # A commit that another push has brought already is not distinct.
    new = [one for one in paths if record.text(f"{one}.distinct") != "false"]
    made = [_commit(record, one, context) for one in new if not _is_bot(record, one)]
    return made or Skip("the push brings no new commits of people")


def _commit(record: Record, path: str, context: Context) -> StatementMap:
    lines = (record.text(f"{path}.message") or "").splitlines()
    return _told(
        record,
        actor=_author(record, f"{path}.author", context),
        verb=CREATED,
        object_=activity(record.address(f"{path}.url"), COMMIT, lines[0] if lines else None),
        at=f"{path}.timestamp",
    )


def _opened_pull_request(record: Record, context: Context) -> Made:
    return _done(record, context, SUBMITTED, "pull_request", by="pull_request.user")


def _closed_pull_request(record: Record, context: Context) -> Made:
    if record.text("pull_request.merged") != "true":
        return Skip("the pull request was closed without being merged")
    by = "pull_request.merged_by" if record.get("pull_request.merged_by") else "sender"
    return _done(record, context, APPROVED, "pull_request", by=by, at="merged_at")


def _opened_issue(record: Record, context: Context) -> Made:
    return _done(record, context, CREATED, "issue", by="issue.user")


def _closed_issue(record: Record, context: Context) -> Made:
    return _done(record, context, CLOSED, "issue", by="sender", at="closed_at")


def _reviewed(record: Record, context: Context) -> Made:
    if _is_bot(record, "review.user"):
        return BOTS_DO
    state = record.text("review.state")
    return _told(
        record,
        actor=_user(record, "review.user", context),
        verb=REVIEWED,
        object_=_thing(record, "pull_request"),
        at="review.submitted_at",
        result={"response": state.lower()} if state else None,
        other=activity(record.address("review.html_url"), REVIEW),
    )


def _commented(record: Record, context: Context) -> Made:
    if _is_bot(record, "comment.user"):
        return BOTS_DO
    return _told(
        record,
        actor=_user(record, "comment.user", context),
        verb=COMMENTED,
        object_=_thing(record, "issue"),
        at="comment.created_at",
        other=activity(record.address("comment.html_url"), COMMENT),
    )


MAKERS: dict[tuple[str, str], Callable[[Record, Context], Made]] = {
    ("pull_request", "opened"): _opened_pull_request,
    ("pull_request", "closed"): _closed_pull_request,
    ("pull_request_review", "submitted"): _reviewed,
    ("issues", "opened"): _opened_issue,
    ("issues", "closed"): _closed_issue,
    ("issue_comment", "created"): _commented,
}


def _done(
    record: Record,
    context: Context,
    verb_: StatementMap,
    path: str,
    *,
    by: str,
    at: str = "created_at",
) -> Made:
    if _is_bot(record, by):
        return BOTS_DO
    actor, thing = _user(record, by, context), _thing(record, path)
    return _told(record, actor=actor, verb=verb_, object_=thing, at=f"{path}.{at}")


def _told(
    record: Record,
    *,
    actor: StatementMap,
    verb: StatementMap,
    object_: StatementMap,
    at: str,
    result: StatementMap | None = None,
    other: StatementMap | None = None,
) -> StatementMap:
    moment = record.moment(at)
    if moment is None:
        raise RecordFault(at, "is missing")
    page, name = record.address("repository.html_url"), record.text("repository.full_name")
    around: dict[str, object] = {"parent": [activity(page, PROJECT, name)]}
    if other:
        around["other"] = [other]
    context = {"platform": "GitHub", "contextActivities": around}
    return statement(
        actor=actor, verb=verb, object=object_, at=moment, result=result, context=context
    )


def _thing(record: Record, path: str) -> StatementMap:
    # GitHub tells of comments on a pull request as of comments on an issue.
    is_suggestion = path == "pull_request" or record.get("issue.pull_request") is not None
    type_ = SUGGESTION if is_suggestion else ISSUE
    return activity(record.address(f"{path}.html_url"), type_, record.text(f"{path}.title"))


def _is_bot(record: Record, path: str) -> bool:
    names = (record.text(f"{path}.login"), record.text(f"{path}.author.username"))
    return any((name or "").endswith(BOT) for name in names)


def _user(record: Record, path: str, context: Context) -> StatementMap:
    return account(record.needed(f"{path}.login"), context.home_page(HOME_PAGE))


def _author(record: Record, path: str, context: Context) -> StatementMap:
    name = record.text(f"{path}.name")
    if username := record.text(f"{path}.username"):
        return account(username, context.home_page(HOME_PAGE), name)
    return agent(record.mailbox(f"{path}.email"), name)
