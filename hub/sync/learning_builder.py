"""LearningBuilder: where batches of rows are posted. The one door to its API.

    POST {LbApiUrl}/API/WorkflowImportQueue/CreateBatch?importProcessId&fileName&creationPath=LH
    Authorization: apikey KEY
    body: JSON Lines, one row an event

Nothing is raised for what the world does: whatever comes back is an answer that can be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version

import httpx

from delivery.facts.outcome import Failure, NoAnswer, Reply
from delivery.wire.exchange import FOREIGN, ask, masked, no_answer
from hub.registry.clearing_house.sync_batches import BatchAnswer
from hub.sync.verdict import judge

PATH = "/API/WorkflowImportQueue/CreateBatch"
CREATION_PATH = "LH"
USER_AGENT = f"learning-hub/{version('learning-hub')}"


@dataclass(frozen=True, slots=True)
class Account:
    """Where a program's LearningBuilder is, and the key it gave to the hub."""

    url: str
    api_key: str = field(repr=False)


class LearningBuilder:
    """Posts batches, one request each. `within` is the limit for one of them, all phases."""

    def __init__(self, client: httpx.AsyncClient, *, within: timedelta) -> None:
        self._client = client
        self._within = within

    async def create_batch(
        self, account: Account, *, import_process_id: str, file_name: str, rows: Sequence[str]
    ) -> BatchAnswer:
        """Post the rows, and tell what became of them; the key is in no answer."""
        reply = await self._post(account, import_process_id, file_name, rows)
        return judge(masked(reply, (account.api_key,)))

    async def _post(
        self, account: Account, import_process_id: str, file_name: str, rows: Sequence[str]
    ) -> Reply:
        if not _can_be_sent(account.api_key):
            detail = "LbApiKey holds characters that no header can carry"
            return NoAnswer(Failure.ADDRESS_REFUSED, detail, timedelta())
        try:
            request = httpx.Request(
                "POST",
                _address(account.url),
                params={
                    "importProcessId": import_process_id,
                    "fileName": file_name,
                    "creationPath": CREATION_PATH,
                },
                headers={
                    "Authorization": f"apikey {account.api_key}",
                    "Content-Type": "application/jsonl; charset=utf-8",
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": USER_AGENT,
                },
                content="\n".join(rows).encode(),
            )
        except FOREIGN as error:
            return no_answer(error, host="LearningBuilder", took=timedelta())
        return await ask(self._client, request, within=self._within)


def _address(url: str) -> httpx.URL:
    base = httpx.URL(url)
    return base.copy_with(path=base.path.rstrip("/") + PATH, query=None, fragment=None)


def _can_be_sent(key: str) -> bool:
    return key.isascii() and key.isprintable() and key.strip() == key != ""
