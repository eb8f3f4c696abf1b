"""Where recipes in Python come from: files of a folder, and entry points of installed packages."""

import importlib.metadata
from pathlib import Path

import msgspec

GROUP = "hub.recipes"


class Origin(msgspec.Struct, frozen=True):
    """A file, or an entry point of a package; `stamp` is another when it changes."""

    name: str
    stamp: str
    is_file: bool


def files_of(folder: Path | None) -> list[Origin]:
    """Give the files of a folder, by name."""
    if folder is None or not folder.is_dir():
        return []
    found = [(path.name, path.stat()) for path in sorted(folder.glob("[!_]*.py"))]
    return [
        Origin(name, f"{stat.st_mtime_ns} {stat.st_size}", is_file=True) for name, stat in found
    ]


def entries() -> list[Origin]:
    """Give the entry points of the packages that are installed."""
    found = importlib.metadata.entry_points(group=GROUP)
    return [Origin(one.name, one.value, is_file=False) for one in found]
