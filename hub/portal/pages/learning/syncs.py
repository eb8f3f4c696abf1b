"""Syncs: all runs of a program, one of them with its batches, and one that is begun now."""

from starlette.responses import Response

from hub.portal.forms import form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.learning.wording import ADVICE, BATCHES, KINDS, RUNS
from hub.portal.pages.page import Pages
from hub.portal.visit import Visit
from hub.portal.ways import HOME

ROOT = f"{HOME}/learning/syncs"
BUSY = (
    "A sync of this program is running already. It is the newest one below; "
    "when it has ended, another can begin."
)


async def table(visit: Visit) -> Response:
    """List the runs, the newest first."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    return visit.page("learning/syncs.html", trouble="", **await _listed(visit))


async def rows(visit: Visit) -> Response:
    """Give the runs alone, as they are now."""
    return visit.page("learning/sync_rows.html", **await _listed(visit))


async def begin(visit: Visit) -> Response:
    """Begin a run, and show it while it goes on."""
    await form_of(visit)
    try:
        begun = await visit.api.post("/api/processEvents", programId=visit.program, wait=False)
    except Refusal as refusal:
        if refusal.status not in {409, 422}:
            raise
        trouble = BUSY if refusal.status == 409 else str(refusal)
        listed = await _listed(visit)
        return visit.page("learning/syncs.html", status=refusal.status, trouble=trouble, **listed)
    return visit.go(f"{ROOT}/{begun['syncId']}")


async def one(visit: Visit) -> Response:
    """Show a run, its batches, and what went wrong."""
    return visit.page("learning/sync.html", **await _run(visit))


async def progress(visit: Visit) -> Response:
    """Give a run alone, as it is now."""
    return visit.page("learning/sync_state.html", **await _run(visit))


async def _listed(visit: Visit) -> Facts:
    path = f"/api/programs/{visit.program}"
    page = await visit.listed(f"{path}/syncs")
    return {
        "it": await visit.api.get(path),
        "found": page["items"],
        "next": page["next"],
        "runs": RUNS,
    }


async def _run(visit: Visit) -> Facts:
    sync_id = visit.request.path_params["sync_id"]
    found = await visit.api.get(f"/api/programs/{visit.program}/syncs/{sync_id}")
    return {
        "run": found,
        "stands": RUNS[found["state"]],
        "batch_states": BATCHES,
        "kinds": KINDS,
        "advice": ADVICE,
        "taken": sum(one["rows"] for one in found["batches"] if one["state"] == "accepted"),
    }


PAGES: Pages = (
    ("/learning/syncs", ["GET"], table),
    ("/learning/syncs", ["POST"], begin),
    ("/learning/syncs/rows", ["GET"], rows),
    ("/learning/syncs/{sync_id}", ["GET"], one),
    ("/learning/syncs/{sync_id}/state", ["GET"], progress),
)
