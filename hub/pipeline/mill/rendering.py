"""Cooking by a declarative recipe: its template, rendered by the engine of the mill's process."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hub.pipeline.mill.cooking import Cook
from hub.recipes.context import Context
from hub.recipes.declarative import (
    BARE,
    BadRecipe,
    row_of,
    statement_of,
    template_of,
    texts_of,
)
from hub.recipes.faults import RecordFault
from hub.recipes.record import Record
from hub.templates.engine import Engine
from hub.templates.result import finished

AT_ONCE = 200


class Rendering:
    """Renders declarative recipes; the engine starts when it is first needed."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine."""
        self._engine = self._engine or Engine()
        return self._engine

    def check(self, options: Mapping[str, object]) -> None:
        """Compile every template of a recipe. Raises BadRecipe with its place."""
        for pointer, text in texts_of(options):
            wrong = self.engine.check(text)
            if wrong is not None:
                where = f" (line {wrong['line']})" if wrong.get("line") else ""
                raise BadRecipe(pointer, f"{wrong['detail']}{where}")

    def cook(self, options: Mapping[str, object]) -> Cook:
        """Give what cooks by these options. Raises BadRecipe."""
        texts_of(options)
        template = template_of(options)

        def cook(records: Sequence[Record], context: Context) -> Iterator[object]:
            for start in range(0, len(records), AT_ONCE):
                yield from self._some(template, records[start : start + AT_ONCE], context, options)

        return cook

    def _some(
        self,
        template: str,
        records: Sequence[Record],
        context: Context,
        options: Mapping[str, object],
    ) -> Iterator[object]:
        rows: list[msgspec.Raw] = []
        faults: dict[int, RecordFault] = {}
        for place, record in enumerate(records):
            try:
                rows.append(msgspec.Raw(msgspec.json.encode(row_of(record, context, options))))
            except RecordFault as fault:
                faults[place] = fault
        rendered = iter(self.engine.render(template, rows))
        for place in range(len(records)):
            if place in faults:
                yield faults[place]
                continue
            told = finished(next(rendered), template)
            if "row" not in told:
                yield RecordFault("", f"the template {told['detail']}".replace(BARE, ""))
                continue
            try:
                yield statement_of(told["row"], options)
            except RecordFault as fault:
                yield fault
