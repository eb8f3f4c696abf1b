"""What a recipe finds around it, and could change for all others: compared before and after."""

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of the process that recipes share."""

    folder: Path
    environ: Mapping[str, str]
    deepest: int
    threads: int

    @classmethod
    def now(cls) -> "Surroundings":
        """Look around."""
        return cls(
            Path.cwd(),
            dict(os.environ),
            sys.getrecursionlimit(),
            threading.active_count(),
        )


def memory() -> int:
    """Say how many bytes of addresses the process has; 0 where that is not told."""
    if not STATM.exists():
        return 0
    return int(STATM.read_text().split()[0]) * PAGE
