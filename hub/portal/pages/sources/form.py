"""The form that makes or changes a source, and tries its recipe before anything is saved."""

from collections.abc import Mapping

from starlette.responses import Response

from hub.portal.fields import etag_of
from hub.portal.forms import ask, form_of
from hub.portal.inside import Facts, Refusal
from hub.portal.pages.page import Pages
from hub.portal.pages.sources import fields
from hub.portal.pages.sources.subject import path_of, root_of
from hub.portal.visit import Visit
from hub.portal.ways import HOME
from hub.portal.wording.recipe_advice import advise
from hub.portal.wording.recipe_help import RECIPE, shown

ROOT = f"{HOME}/sources"
OFFERED = 50
"""With more integrations than these, they are named by their ids."""
DECLARATIVE = "declarative"
WORDS = {
    "webhook": "A system posts to us",
    "poll": "We ask an API",
    "csv": "Somebody uploads files",
    "bucket": "Files appear in a bucket",
}


async def choose_kind(visit: Visit) -> Response:
    """Ask where the records come from."""
    if not visit.program:
        return visit.go(f"{HOME}/programs")
    return visit.page("sources/kinds.html")


async def add(visit: Visit) -> Response:
    """Ask for a new source."""
    kind = _kind(visit)
    return await _ask(visit, kind, fields.new(kind))


async def added(visit: Visit) -> Response:
    """Make a source, or say beside each field what is wrong with it."""
    form = await form_of(visit)
    kind = _kind(visit)
    said, errors = fields.said(kind, form)
    if errors:
        return await _ask(visit, kind, form, errors=errors)
    whole = {name: value for name, value in said.items() if value is not None}
    whole["retentionDays"] = said["retentionDays"]
    try:
        made = await visit.api.post(f"/api/programs/{visit.program}/sources", whole)
    except Refusal as refusal:
        return await _ask(visit, kind, form, refusal=refusal)
    return visit.go(f"{ROOT}/{made['id']}", "It is added. Here is how records get to it.")


async def edit(visit: Visit) -> Response:
    """Ask for changes of a source."""
    it = await visit.api.get(path_of(visit))
    form = fields.written(it) | {"revision": str(it["revision"])}
    return await _ask(visit, it["kind"], form, it=it)


async def edited(visit: Visit) -> Response:
    """Change a source; secrets that are left blank stay as they are."""
    form = await form_of(visit)
    it = await visit.api.get(path_of(visit))
    said, errors = fields.said(it["kind"], form)
    if errors:
        return await _ask(visit, it["kind"], form, it=it, errors=errors)
    try:
        await visit.api.patch(path_of(visit), said, if_match=etag_of(form))
    except Refusal as refusal:
        if refusal.status == 412:
            form["revision"] = str(it["revision"])
        return await _ask(visit, it["kind"], form, it=it, refusal=refusal)
    return visit.go(f"{ROOT}/{it['id']}", "It is saved.")


async def try_new(visit: Visit) -> Response:
    """Try the recipe of a source that is not there yet on the sample."""
    form = await form_of(visit)
    return await _try(visit, _kind(visit), form)


async def try_changes(visit: Visit) -> Response:
    """Try the recipe of a source as it would be on the sample."""
    form = await form_of(visit)
    it = await visit.api.get(path_of(visit))
    return await _try(visit, it["kind"], form, it=it)


async def ask_to_delete(visit: Visit) -> Response:
    """Say what would be lost."""
    it = await visit.api.get(path_of(visit))
    files = await visit.api.get(f"{path_of(visit)}/files", limit=1)
    return visit.page("sources/delete.html", it=it, has_files=bool(files["items"]))


async def delete(visit: Visit) -> Response:
    """Take a source away."""
    await form_of(visit)
    it = await visit.api.get(path_of(visit))
    await visit.api.delete(path_of(visit))
    return visit.go(ROOT, f"{it['name']} is deleted.")


async def ask_now(visit: Visit) -> Response:
    """Have an API or a bucket asked now."""
    await form_of(visit)
    await visit.api.post(f"{path_of(visit)}/ask")
    return visit.go(root_of(visit), "It is asked now; what is new appears below.")


async def _try(
    visit: Visit, kind: str, form: Mapping[str, str], *, it: Facts | None = None
) -> Response:
    said, errors = fields.said(kind, form)
    if not said["recipe"]:
        errors["recipe"] = "choose one to try"
    record: Facts = {}
    try:
        record = fields.record_of(form.get("sample", ""), said.get("columns"))
    except fields.Unreadable as error:
        errors["sample"] = str(error)
    if errors:
        return await _ask(visit, kind, form, it=it, errors=errors)
    asked = {"recipe": said["recipe"], "options": said["recipeOptions"], "record": record}
    if it and it.get("lookups"):
        asked["source"] = it["id"]
    try:
        told = await visit.api.post("/api/recipes/preview", asked)
    except Refusal as refusal:
        wrong = _of_preview(refusal, asked)
        return await _ask(visit, kind, form, it=it, errors=wrong, refusal=refusal)
    return await _ask(visit, kind, form, it=it, told=_advised(told, asked))


async def _ask(
    visit: Visit,
    kind: str,
    form: Mapping[str, str],
    *,
    it: Facts | None = None,
    errors: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
    told: Facts | None = None,
) -> Response:
    if errors is None:
        errors = fields.placed(kind, refusal.flaws) if refusal else {}
    program = it["programId"] if it else visit.program
    path = f"/api/programs/{program}"
    integrations = await visit.api.get(f"{path}/integrations", limit=OFFERED)
    others = await visit.api.get(f"{path}/sources", limit=OFFERED)
    recipes = await visit.api.get("/api/recipes")
    offered = {one["id"] for one in integrations["items"]}
    boxes = (name.removeprefix(fields.TO) for name in form if name.startswith("to."))
    return ask(
        visit,
        "sources/form.html",
        form,
        refusal,
        errors=errors,
        it=it,
        kind=kind,
        kind_words=WORDS[kind],
        integrations=integrations["items"],
        has_more=integrations["next"] is not None,
        further=form.get("further", "") or ", ".join(one for one in boxes if one not in offered),
        tables=[one for one in others["items"] if one["kind"] != "webhook"],
        lookups=_rows(form),
        recipes=recipes["items"],
        faults=recipes["faults"],
        example=shown(RECIPE),
        told=told,
    )


def _rows(form: Mapping[str, str]) -> list[int]:
    filled = [row for row in range(fields.MOST_LOOKUPS) if form.get(f"lookup.{row}.name")]
    last = max(filled, default=-1) + 1
    return list(range(min(last + fields.SPARE_LOOKUPS, fields.MOST_LOOKUPS)))


def _advised(told: Facts, asked: Facts) -> Facts:
    """Put beside each mistake what to do about it."""
    errors = [
        {**one, "advice": _advice(asked, one["field"], one["reason"])} for one in told["errors"]
    ]
    return {**told, "errors": errors, "advice": _advice(asked, "when", "")}


def _advice(asked: Facts, field: str, reason: str) -> str:
    if asked["recipe"] != DECLARATIVE:
        return ""
    return advise(asked["options"], asked["record"], field, reason)


def _of_preview(refusal: Refusal, asked: Facts) -> dict[str, str]:
    """Put what is wrong with a preview beside the fields that it was made of."""
    names = {"options": "recipeOptions", "record": "sample", "recipe": "recipe", "source": "recipe"}
    errors: dict[str, str] = {}
    for pointer, told in refusal.flaws.items():
        first, *rest = pointer.lstrip("/").split("/")
        where = f"{'.'.join(rest)}: " if rest else ""
        advice = _advice(asked, ".".join(rest), told)
        words = f"{where}{told}. {advice}" if advice else f"{where}{told}"
        errors.setdefault(names.get(first, "recipe"), words)
    return errors


def _kind(visit: Visit) -> str:
    kind = str(visit.request.path_params["kind"])
    if kind not in WORDS:
        raise Refusal(404, "Not found", f"there is no kind of source called {kind}", {})
    if not visit.program:
        raise Refusal(404, "Not found", "choose a program first", {})
    return kind


PAGES: Pages = (
    ("/sources/add", ["GET"], choose_kind),
    ("/sources/add/{kind}", ["GET"], add),
    ("/sources/add/{kind}", ["POST"], added),
    ("/sources/add/{kind}/try", ["POST"], try_new),
    ("/sources/{source_id}/edit", ["GET"], edit),
    ("/sources/{source_id}/edit", ["POST"], edited),
    ("/sources/{source_id}/try", ["POST"], try_changes),
    ("/sources/{source_id}/delete", ["GET"], ask_to_delete),
    ("/sources/{source_id}/delete", ["POST"], delete),
    ("/sources/{source_id}/ask", ["POST"], ask_now),
)
