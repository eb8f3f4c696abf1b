"""Templates are tried before they are kept: what is wrong is answered with its place."""

from collections.abc import Sequence

from hub.api.errors import Unprocessable
from hub.events.event import Event
from hub.registry.clearing_house.events import Events
from hub.templates.fault import BadTemplate, TemplateFault
from hub.templates.renderer import Renderer
from hub.templates.template_map import DEFAULT, ImportEntry, TemplateMap, read
from hub.xapi.flaw import Flaw, point

EXAMPLES = 5


class BadTemplates(Unprocessable):
    """Some templates cannot be used. `faults` belong to the first of the errors, in their order."""

    def __init__(self, errors: Sequence[Flaw], *faults: TemplateFault) -> None:
        super().__init__(errors)
        self.faults = faults


def read_map(written: object, pointer: str) -> TemplateMap:
    """Read a map of templates. Raises BadTemplates, with pointers that begin with `pointer`."""
    try:
        return read(written)
    except BadTemplate as error:
        flaws = [Flaw(pointer + flaw.pointer, flaw.detail) for flaw in error.errors]
        raise BadTemplates(flaws) from error


async def try_templates(
    templates: TemplateMap, renderer: Renderer, events: Events, publisher: str, pointer: str
) -> None:
    """Compile every template, and try it on the publisher's newest events of its category.

    Raises BadTemplates, RendererDown.
    """
    flaws: list[Flaw] = []
    faults: list[TemplateFault] = []
    for entry in templates.imports():
        found = await examples(templates, entry, events, publisher, limit=EXAMPLES)
        fault = await renderer.check(entry.template, found)
        if fault is not None:
            faults.append(fault)
            place = f"{pointer}{point(entry.key)}/batchRowTemplate"
            flaws.append(Flaw(place, str(fault)))
    if flaws:
        raise BadTemplates(flaws, *faults)


async def examples(
    templates: TemplateMap, entry: ImportEntry, events: Events, publisher: str, *, limit: int
) -> Sequence[Event]:
    """Find the publisher's newest events that an entry makes rows of."""
    if entry.key == DEFAULT:
        named = templates.entries.keys() - {DEFAULT}
        return await events.newest_of_others(publisher, but=named, limit=limit)
    return await events.newest(publisher, category=entry.key, limit=limit)
