"""The way to the mill: one child process, asked one thing at a time, and ended when it must be."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from hub.pipeline.chunks.repeats import without_repeats
from hub.pipeline.mill.asking import (
    Answer,
    Asked,
    Bad,
    Check,
    Cooking,
    CutAnswer,
    CutUp,
    Fault,
    Fine,
    Grind,
    Ground,
    GroundAnswer,
    ListRecipes,
    Look,
    Looked,
    Piece,
    ReadOrigin,
    Recipes,
    Spoilt,
    Target,
    Unread,
)
from hub.recipes.origin import Origin
from hub.records.cutting import Cuts
from hub.records.fault import FileFault
from hub.records.format import Format, Hints, Kind
from hub.templates.fault import RendererDown
from hub.templates.press import ChildLost, Press

WITHIN = timedelta(seconds=30)
"""One question, all in all; a record has a second, and a part of a file a few."""
TO_READ = timedelta(seconds=10)
"""A file of recipes, or a package: some import half of the world."""
PATIENCE = timedelta(minutes=10)
"""How long recipes are left unread that took too long, or harmed the process that read them."""
MERCY = timedelta(seconds=5)
MOST_ROUNDS = 100
MODULE = "hub.pipeline.child"
ENDS_IT = "ends the process that reads it"
MOST_LOST = 5
"""So many records of a lot may end the process, before the others are not tried."""
UNTRIED = f"was not tried: {MOST_LOST} records before it have each ended the process"

T = TypeVar("T")

log = structlog.get_logger()
_write = msgspec.msgpack.Encoder()
_read: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class RecipeFault(Exception):
    """A recipe that is not there or cannot be used so; `pointer` is into its options."""

    def __init__(self, bad: Bad) -> None:
        super().__init__(bad.reason)
        self.pointer = bad.pointer
        self.reason = bad.reason


@dataclass(slots=True)
class _Halving:
    """A lot in which something ends the process, and how many records have done so."""

    cooking: Cooking
    targets: list[Target]
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    until: float


class Milling:
    """Asks the mill. Everything raises RendererDown when no process can be started.

    Recipes in Python are read in the child, one origin at a time. One that takes longer than
    `to_read`, or ends or spoils the process, is left unread for `patience`, and the others go on.
    """

    def __init__(
        self,
        folder: Path | None = None,
        within: timedelta = WITHIN,
        *,
        to_read: timedelta = TO_READ,
        patience: timedelta = PATIENCE,
    ) -> None:
        words = [str(to_read.total_seconds()), *([str(folder)] if folder else [])]
        self._press = Press(MODULE, *words)
        self._within = within
        self._to_read = to_read
        self._patience = patience
        self._refused: dict[Origin, _Refusal] = {}
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._press.pid

    async def close(self) -> None:
        """End the child."""
        await self._press.end()

    async def look(self, sample: bytes, hints: Hints, *, whole: bool) -> Format:
        """Find out what a file is. Raises FileFault."""
        answer = await self._of_file(Look(sample, hints, whole), Looked)
        return answer.form

    async def cut(self, content: bytes, form: Format, *, line: int, at_end: bool) -> Cuts:
        """Cut a part of a file up. Raises FileFault."""
        answer = await self._of_file(CutUp(content, form, line, at_end), CutAnswer)
        return answer.cuts

    async def check(self, recipe: str, options: dict[str, object]) -> None:
        """Look whether a recipe can be used. Raises RecipeFault."""
        await self._ask_recipe(Check(recipe, options), Fine)

    async def recipes(self) -> Recipes:
        """Give all recipes there are."""
        return await self._ask_recipe(ListRecipes(), Recipes)

    async def grind(
        self, pieces: Sequence[Piece], cooking: Cooking, targets: Sequence[Target]
    ) -> list[Ground]:
        """Make statements of pieces, each statement of a piece once. Raises RecipeFault.

        A record that ends the process is found by halves, and told like any other fault.
        """
        return [without_repeats(one) for one in await self._grind_all(pieces, cooking, targets)]

    async def _grind_all(
        self, pieces: Sequence[Piece], cooking: Cooking, targets: Sequence[Target]
    ) -> list[Ground]:
        asked = Grind(list(pieces), cooking, list(targets))
        try:
            return (await self._ask_recipe(asked, GroundAnswer)).pieces
        except ChildLost:
            log.warning("mill.lost", source=cooking.source, recipe=cooking.recipe)
        halving = _Halving(cooking, list(targets))
        is_lost = len(pieces) == 1
        return [await self._by_halves(piece, halving, is_lost=is_lost) for piece in pieces]

    async def _by_halves(self, piece: Piece, halving: "_Halving", *, is_lost: bool) -> Ground:
        if not is_lost:
            untried = UNTRIED if halving.lost >= MOST_LOST else ""
            tried = msgspec.structs.replace(piece, untried=untried)
            asked = Grind([tried], halving.cooking, halving.targets)
            with suppress(ChildLost):
                return (await self._ask_recipe(asked, GroundAnswer)).pieces[0]
        end = min(piece.end, piece.first + _most_records(piece))
        if end - piece.first <= 1:
            ground = await self._lost(piece, halving)
            halving.lost += ground.rows
            return ground
        middle = (piece.first + end) // 2
        first = await self._by_halves(
            msgspec.structs.replace(piece, end=middle), halving, is_lost=False
        )
        second = await self._by_halves(
            msgspec.structs.replace(piece, first=middle, end=end), halving, is_lost=False
        )
        return _together(first, second)

    async def _lost(self, piece: Piece, halving: "_Halving") -> Ground:
        """Tell of the one record that ends the process; without a recipe the mill finds its line.

        There may be none: how many records a part has is not known here.
        """
        alone = msgspec.structs.replace(piece, end=piece.first + 1, untried=ENDS_IT)
        with suppress(ChildLost):
            asked = Grind([alone], halving.cooking, halving.targets)
            return (await self._ask_recipe(asked, GroundAnswer)).pieces[0]
        place = f"record {piece.first + 1} from line {piece.line} on"
        fault = Fault(piece.line, "", f"{place} {ENDS_IT}")
        return Ground([[] for _ in halving.targets], rows=1, failed=1, faults=[fault])

    async def _of_file(self, asked: Asked, kind: type[T]) -> T:
        try:
            answer = await self._ask(asked)
        except ChildLost:
            raise FileFault(ENDS_IT) from None
        if isinstance(answer, Bad):
            raise FileFault(answer.reason, answer.line)
        return _as(answer, kind)

    async def _ask_recipe(self, asked: Asked, kind: type[T]) -> T:
        answer = await self._ask(asked)
        if isinstance(answer, Bad):
            raise RecipeFault(answer)
        return _as(answer, kind)

    async def _ask(self, asked: Asked) -> Answer:
        async with self._turn:
            await self._give_another_chance()
            for _ in range(MOST_ROUNDS):
                answer = await self._exchange(asked, self._within)
                if not isinstance(answer, Unread):
                    return answer
                await self._have_read(answer)
        raise RendererDown("the files of recipes change all the time")

    async def _exchange(self, asked: Asked, within: timedelta) -> Answer:
        written = await self._press.ask(_write.encode(asked), within)
        try:
            answer = _read.decode(written)
        except msgspec.MsgspecError as error:
            await self._press.end()
            raise ChildLost(f"what the child answers is no answer: {error}") from error
        if isinstance(answer, GroundAnswer) and answer.is_spoilt:
            await self._press.end()
        return answer

    async def _have_read(self, unread: Unread) -> None:
        """Have recipes read, up to the first that is to be refused."""
        if unread.has_changed:
            await self._press.end()
            return
        for origin in unread.origins:
            refusal = self._refused.get(origin)
            asked = ReadOrigin(origin, refusal.reason if refusal else None)
            try:
                answer = await self._exchange(asked, self._to_read + MERCY)
            except ChildLost:
                answer = Spoilt(ENDS_IT)
            if isinstance(answer, Spoilt):
                log.warning("recipes.refused", origin=origin.name, reason=answer.reason)
                until = asyncio.get_running_loop().time() + self._patience.total_seconds()
                self._refused[origin] = _Refusal(answer.reason, until)
                await self._press.end()
                return

    async def _give_another_chance(self) -> None:
        """Have all be read anew, when the time of one that was refused has come."""
        now = asyncio.get_running_loop().time()
        over = [origin for origin, refusal in self._refused.items() if refusal.until <= now]
        if over:
            for origin in over:
                del self._refused[origin]
            await self._press.end()


def _as(answer: Answer, kind: type[T]) -> T:
    if isinstance(answer, kind):
        return answer
    raise AssertionError(f"the mill answered {type(answer).__name__}, not {kind.__name__}")


def _most_records(piece: Piece) -> int:
    if piece.form.kind in (Kind.CSV, Kind.JSON_LINES):
        content = piece.content
        return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n") + 1
    # A record has at least a byte and an end.
    return len(piece.content) // 2 + 1


def _together(first: Ground, second: Ground) -> Ground:
    skips = dict(first.skips)
    for reason, count in second.skips.items():
        skips[reason] = skips.get(reason, 0) + count
    return Ground(
        made=[[*a, *b] for a, b in zip(first.made, second.made, strict=True)],
        rows=first.rows + second.rows,
        skipped=first.skipped + second.skipped,
        failed=first.failed + second.failed,
        faults=[*first.faults, *second.faults],
        skips=skips,
        broken=first.broken or second.broken,
    )
