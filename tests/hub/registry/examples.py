"""Facts that many tests start from."""

import threading
from dataclasses import replace

from hub.registry.parties.integrations import (
    IntegrationRecord,
    IntegrationRegistry,
    NewIntegration,
)
from hub.registry.parties.programs import Programs
from hub.registry.parties.providers import Provider, Providers
from tests.waiting import until

NEW = NewIntegration(
    name="Main LMS",
    provider="workday",
    technical_emails=("ops@example.com",),
    statement_url="https://lrs.example.com/statements",
    authentication_url="https://lrs.example.com/token",
    client_id="client-1",
    client_secret="first-secret",
    refresh_token="first-refresh",
)


async def a_program_and_provider(
    programs: Programs, providers: Providers, *, program: str = "ACME", provider: str = "workday"
) -> None:
    await programs.create(program, program.title(), by="test")
    await providers.create(Provider(provider, provider.title()), by="test")


async def an_integration(
    programs: Programs, providers: Providers, integrations: IntegrationRegistry
) -> IntegrationRecord:
    await a_program_and_provider(programs, providers)
    return await integrations.create("ACME", NEW, by="test")


def new_for(provider: str) -> NewIntegration:
    return replace(NEW, provider=provider)


async def threads_of_sqlite_ended() -> None:
    """Wait for the threads of connections that never came about; they outlive the error."""
    await until(
        lambda: not any("_connection_worker" in thread.name for thread in threading.enumerate())
    )
