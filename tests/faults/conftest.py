"""What every fault test begins with."""

import pytest
import pytest_asyncio

from tests.faults.stack import Prepared, prepare


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Make a database with all tables and a SYSTEM key, once."""
    return await prepare(tmp_path_factory.mktemp("prepared") / "data")
