"""A plain xAPI client, and the statements that it sends."""

import base64
from collections.abc import Mapping
from urllib.parse import quote_plus
from uuid import UUID

import httpx

from config.sandbox.oauth import CLIENT_SECRET

STATEMENTS = "/xapi/statements"
TOKEN = "/oauth/token"

Json = dict[str, object]


def an_id(number: int = 1) -> str:
    # With letters in it, so that upper and lower case are told apart.
    return str(UUID(int=(0xABCDEF << 96) + number, version=4))


def a_statement(number: int = 1, /, **changed: object) -> Json:
    statement: Json = {
        "id": an_id(number),
        "actor": {"mbox": "mailto:ada@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://example.org/courses/engines"},
        "timestamp": "2026-03-01T11:00:00.000Z",
    }
    return {**statement, **changed}


def basic(client_id: str, client_secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


class Caller:
    """Fetches its token when it starts, and proves itself with it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.headers = {"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json"}

    async def sign_in(
        self, client_id: str = "sandbox", client_secret: str = CLIENT_SECRET
    ) -> httpx.Response:
        answer = await self.fetch_token(client_id, client_secret)
        if answer.is_success:
            self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    async def fetch_token(
        self, client_id: str = "sandbox", client_secret: str = CLIENT_SECRET, **more: str
    ) -> httpx.Response:
        form = {"grant_type": "client_credentials", **more}
        headers = {"Authorization": basic(client_id, client_secret)}
        return await self.http.post(TOKEN, data=form, headers=headers)

    async def post(self, *statements: Json) -> httpx.Response:
        content = statements[0] if len(statements) == 1 else list(statements)
        return await self.http.post(STATEMENTS, json=content, headers=self.headers)

    async def post_raw(self, content: bytes) -> httpx.Response:
        return await self.http.post(STATEMENTS, content=content, headers=self.headers)

    async def put(self, statement: Json, statement_id: str) -> httpx.Response:
        query = {"statementId": statement_id}
        return await self.http.put(STATEMENTS, params=query, json=statement, headers=self.headers)

    async def get(self, **query: str) -> httpx.Response:
        return await self.http.get(STATEMENTS, params=query, headers=self.headers)

    async def control(self, wishes: Mapping[str, object]) -> httpx.Response:
        return await self.http.post("/control", json=wishes)
