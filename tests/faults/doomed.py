"""A process of the house that kills itself, as by `kill -9`, at one step: `python -m … STEP hub …`.

What is between two steps of a file cannot be met by chance from outside: some of them take a
millisecond. What it had claimed is free again within two seconds, so that no test has to wait.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from config.cli import main
from hub.landing.folder import FolderLanding
from hub.landing.objects import ObjectLanding
from hub.landing.spool import Spool
from hub.pipeline.chunks import transforming
from hub.pipeline.chunks.milling import Milling
from hub.registry.pipeline import chunks, file_work
from hub.registry.pipeline.file_work import FileWork
from hub.registry.pipeline.source_files import SourceFiles
from hub.taking import Taking

CLAIM = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Step:
    """Where to die: the n-th time that this is done, before or after it.

    `telling`: only times count that gave something back.
    """

    owner: type
    name: str
    after: bool
    at: int = 1
    telling: bool = False


OF_WEB = {
    "some of the body is there": Step(Spool, "write", after=True, at=20),
    "landed and not written down": Step(FolderLanding, "keep", after=True),
    "written down and not answered": Step(SourceFiles, "add", after=True),
}
OF_WEB_WITH_S3 = {
    "landed in S3 and not written down": Step(ObjectLanding, "keep", after=True),
}
OF_WORKER = {
    "looked at": Step(Milling, "look", after=True),
    "cut and not written down": Step(Milling, "cut", after=True),
    "some of it cut": Step(FileWork, "record_cut", after=True),
    "transformed": Step(Milling, "grind", after=True, at=2),
    "some of it handed in": Step(Taking, "take_in", after=True, at=5),
    "handed in and not settled": Step(FileWork, "settle", after=False, at=2),
    "some of it settled": Step(FileWork, "settle", after=True, at=2),
    "ended": Step(FileWork, "settle", after=True, telling=True),
}
STEPS = OF_WEB | OF_WEB_WITH_S3 | OF_WORKER


def doom(step: Step) -> None:
    """Have this process die at a step."""
    real: Callable[..., Awaitable[object]] = getattr(step.owner, step.name)
    left = step.at

    async def dies(*args: object, **named: object) -> object:
        nonlocal left
        if not step.after:
            left -= 1
            _die_if(left == 0)
        found = await real(*args, **named)
        if step.after and (found or not step.telling):
            left -= 1
            _die_if(left == 0)
        return found

    setattr(step.owner, step.name, dies)


def _die_if(it_is_time: bool) -> None:  # noqa: FBT001  reads as a sentence where it is called
    if it_is_time:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    chunks.CLAIM = file_work.CUT_CLAIM = vars(transforming)["CLAIM"] = CLAIM
    vars(file_work)["CLAIM"] = CLAIM
    doom(STEPS[sys.argv.pop(1)])
    main()
