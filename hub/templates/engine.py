"""The door to quickjs-ng: Handlebars in an engine that has no files, no network and no clock.

Runs in the child process only (`child`). Time, memory and stack of the engine are bounded; after
a template has gone beyond a bound, it is made anew.
"""

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

import msgspec
import quickjs

from hub.templates.trap import Told, explained

MEMORY = 64 * 1024 * 1024
STACK = 512 * 1024
COMPILE_SECONDS = 1.0
ROW_SECONDS = 1.0
LOT_SECONDS = 2.0
PATIENCE = 3
"""So many rows of a lot may be too much; after them the rest of it is not tried."""
ROW, FAULT = "\x1e", "\x1f"
MARKS = re.compile("[\x1e\x1f]")

_FOLDER = files("hub.templates")
_SOURCES = ("vendor/handlebars.min.js", "kit.js")


class Engine:
    """Handlebars, ready to compile and to render."""

    def __init__(self) -> None:
        self._sources = [(_FOLDER / name).read_text() for name in _SOURCES]
        self._context = self._started()

    def check(self, template: str) -> Told | None:
        """Compile a template; say what is wrong with it, if anything is."""
        self._context.set_time_limit(COMPILE_SECONDS)
        try:
            answer = self._context.get("checked")(template)
        except quickjs.JSException as error:
            return self._exceeded(error)
        told: Told | None = msgspec.json.decode(answer)
        return explained(told, template) if told else None

    def render(self, template: str, rows: Sequence[msgspec.Raw]) -> list[Told]:
        """Make a row of each event: one answer for each, in order."""
        if (wrong := self.check(template)) is not None:
            return [wrong for _ in rows]
        answers: list[Told] = []
        exceeded = 0
        while len(answers) < len(rows):
            if exceeded == PATIENCE:
                words = "was not tried: the template asked too much for the events before this one"
                answers.append({"detail": words})
                continue
            made, beyond = self._some(template, rows[len(answers) :], LOT_SECONDS)
            answers += made
            if beyond is None:
                continue
            # The time of the others may have been used up: alone, it has all of it.
            one = rows[len(answers)]
            made, beyond = self._some(template, [one], ROW_SECONDS)
            exceeded += beyond is not None
            answers += [beyond] if beyond else made
        return answers

    def _some(
        self, template: str, rows: Sequence[msgspec.Raw], seconds: float
    ) -> tuple[list[Told], Told | None]:
        """Render rows until one goes beyond a bound; give also what is wrong with that one."""
        self._context.set_time_limit(seconds)
        try:
            answer = self._context.get("rendered")(template, _array(rows))
        except quickjs.JSException as error:
            before = self._context.get("at")
            beyond = self._exceeded(error)
            if before == 0:
                return [], beyond
            # What was rendered before it is lost with the engine's answer; it is quick to repeat.
            made, _ = self._some(template, rows[:before], LOT_SECONDS)
            return (made, beyond) if len(made) == before else ([], beyond)
        return list(_read(answer)), None

    def _exceeded(self, error: quickjs.JSException) -> Told:
        self._context = self._started()
        words = str(error)
        if "interrupted" in words:
            return {"detail": "takes too long"}
        if "memory" in words:
            return {"detail": f"needs more than {MEMORY // 1024 // 1024} MiB of memory"}
        return {"detail": f"cannot be rendered: {words.splitlines()[0][:300] or 'no reason given'}"}

    def _started(self) -> quickjs.Context:
        context = quickjs.Context()
        context.set_memory_limit(MEMORY)
        context.set_max_stack_size(STACK)
        for source in self._sources:
            context.eval(source)
        return context


def _array(rows: Sequence[msgspec.Raw]) -> str:
    return "[" + ",".join(bytes(row).decode() for row in rows) + "]"


def _read(answer: str) -> Iterator[Told]:
    starts = [found.start() for found in MARKS.finditer(answer)]
    for start, end in zip(starts, [*starts[1:], len(answer)], strict=True):
        content = answer[start + 1 : end]
        yield {"row": content} if answer[start] == ROW else msgspec.json.decode(content)
