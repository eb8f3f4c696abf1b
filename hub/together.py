"""Many callers, one transaction: what comes while one is under way is done together in the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

MOST = 100


class Together(Generic[Asked, Answer]):
    """Gathers what is asked, and has it done by `do`, at most MOST at once.

    `do` gives an answer or an exception for each, in their order; what it raises all of them get.
    Nobody waits for more than the transaction before his own.
    """

    def __init__(
        self, do: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]]
    ) -> None:
        self._do = do
        self._coming: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._doing: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Answer:
        """Have one thing done, with others'."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._coming.append((asked, answer))
        if self._doing is None or self._doing.done():
            self._doing = asyncio.create_task(self._do_all())
        return await answer

    async def _do_all(self) -> None:
        while self._coming:
            some, self._coming = self._coming[:MOST], self._coming[MOST:]
            found: Sequence[Answer | Exception]
            try:
                found = await self._do([asked for asked, _ in some])
            except Exception as error:  # noqa: BLE001  it is handed to everybody who waits for it
                found = [error] * len(some)
            for (_, answer), one in zip(some, found, strict=True):
                # Whoever has gone away needs no answer.
                if answer.done():
                    continue
                if isinstance(one, Exception):
                    answer.set_exception(one)
                else:
                    answer.set_result(one)
