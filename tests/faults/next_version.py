"""A version that comes after this one: the same packages, with what an upgrade may bring.

Its scripts have other digests, it writes fields that this version does not know into states,
queues and counters, its migration adds a column and a table, and it calls itself NEXT.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import config
import delivery
import hub

NEXT = "9.9.9"
PACKAGES = (config, delivery, hub)
MIGRATION = '''"""What the next version needs."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("integrations", sa.Column("of_the_next", sa.String(20), nullable=True))
    op.create_table("of_the_next", sa.Column("id", sa.Integer, primary_key=True))
'''


def make_next(folder: Path) -> Mapping[str, str]:
    """Write the next version into `folder`; give what the environment needs to run it."""
    for package in PACKAGES:
        (source,) = package.__path__
        shutil.copytree(
            source, folder / package.__name__, ignore=shutil.ignore_patterns("__pycache__")
        )
    scripts = folder / "delivery" / "stores" / "scripts"
    _change(scripts / "prelude.lua", "'d', what.d", "'d', what.d, 'next', '1'", times=4)
    _change(
        scripts / "begin.lua",
        "local token = ",
        "redis.call('HSET', KEYS[1], 'of_the_next', '1')\n"
        "redis.call('HINCRBY', 'hub:meters', 'of_the_next|one', 1)\n"
        "local token = ",
    )
    versions = folder / "hub" / "registry" / "sql" / "migrations" / "versions"
    head = max(path.name for path in versions.glob("v0*.py"))[1:5]
    (versions / "v9999_of_the_next.py").write_text(MIGRATION.format(head=head))
    told = folder / f"learning_hub-{NEXT}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: learning-hub\nVersion: {NEXT}\n")
    return {"PYTHONPATH": str(folder)}


def _change(path: Path, before: str, after: str, *, times: int = 1) -> None:
    text = path.read_text()
    assert text.count(before) == times, f"{path.name} no longer reads as this expects"
    path.write_text(text.replace(before, after))
