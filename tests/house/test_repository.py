"""What a stranger's checkout must not hold."""

import re
import subprocess
import tomllib
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 - wherever git is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_locks_carry_hashes_and_no_index_address() -> None:
    locks = [path for path in _tracked() if path.suffix == ".lock"]

    assert {path.name for path in locks} >= {"requirements.lock", "requirements-test.lock"}
    for path in locks:
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"index-url|https?://", text), path


def test_no_file_carries_a_path_of_one_machine() -> None:
    machine = re.compile(rb"[\"' =(](/root|/home|/work)/[a-z]")

    strays = [str(p) for p in _tracked() if p != Path(__file__) and machine.search(p.read_bytes())]

    assert strays == []


def test_all_that_the_packages_read_is_installed_with_them() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    installed = {
        path
        for package, patterns in packages["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package).glob(pattern)
    }

    data = {
        path
        for path in _tracked()
        if path.relative_to(ROOT).parts[0] in {"config", "delivery", "hub"} and path.suffix != ".py"
    }

    assert data
    assert sorted(map(str, data - installed)) == []


VENDORED = [path for package in ("config", "hub") for path in (ROOT / package).rglob("VENDORED.md")]
SHA256 = re.compile(r"\b[0-9a-f]{64}\b")


def test_what_is_not_ours_is_what_its_table_says() -> None:
    assert VENDORED
    for told in VENDORED:
        sums = set(SHA256.findall(told.read_text()))
        files = [path for path in told.parent.iterdir() if path.suffix in {".js", ".css", ".woff2"}]
        held = {sha256(path.read_bytes()).hexdigest() for path in files}
        assert sums <= held, f"{told} tells of files that are not there, or were changed"
        assert (told.parent / "LICENSE").exists()
