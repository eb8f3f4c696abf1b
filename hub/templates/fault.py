"""What is wrong with a template, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.errors import HubError
from hub.xapi.flaw import Flaw


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """Why a template makes no row. Line and column, if known, count from 1 in the template.

    `made` is the beginning of what it made, if that is what is wrong.
    """

    detail: str
    line: int | None = None
    column: int | None = None
    made: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        if self.line is None:
            return self.detail
        column = "" if self.column is None else f", column {self.column}"
        return f"{self.detail} (line {self.line}{column})"


class BadTemplate(HubError):
    """A template, or a map of templates, that cannot be used; says where."""

    def __init__(self, errors: Sequence[Flaw], fault: TemplateFault | None = None) -> None:
        first = errors[0]
        super().__init__(f"{first.pointer or 'the template'}: {first.detail}")
        self.errors = tuple(errors)
        self.fault = fault


class RendererDown(HubError):
    """No process can be started to render templates; nothing is wrong with any template."""
