"""What is written to make or change an integration, and what it means to the registry."""

from typing import Literal

import msgspec

from hub.api.emails import Emails, read_emails
from hub.api.errors import Unprocessable
from hub.api.house import House
from hub.api.strict import BatchSize, Concurrency, Form, GivenSecret, Line, Scope, Secret, Url
from hub.registry.parties.integration_records import IntegrationChanges, NewIntegration
from hub.registry.parties.providers import ProviderStatus
from hub.xapi.flaw import Flaw


class NewIntegrationForm(Form):
    """An integration to be."""

    name: Line
    provider: Line
    technical_emails: Emails
    statement_url: Url
    authentication_url: Url
    client_id: GivenSecret
    client_secret: GivenSecret
    refresh_token: Secret | None = None
    status: Literal["active", "disabled"] = "active"
    batch_size: BatchSize | None = None
    concurrency: Concurrency | None = None
    scope: Scope | None = None


class IntegrationForm(Form):
    """What is to change. What is left out stays; so do credentials that are left blank."""

    name: Line = ""
    technical_emails: Emails = ""
    statement_url: Url = ""
    authentication_url: Url = ""
    client_id: Secret | None = None
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    status: Literal["active", "disabled"] = "active"
    batch_size: BatchSize | None = None
    concurrency: Concurrency | None = None
    scope: Scope | None = None


async def check_provider(house: House, provider_id: str, *, below: str = "") -> None:
    """Raise Unprocessable for a provider that a new integration cannot have."""
    provider = await house.providers.find(provider_id)
    if provider is None:
        raise Unprocessable([Flaw(f"{below}/provider", f"there is no provider {provider_id}")])
    if provider.status is ProviderStatus.DISABLED:
        raise Unprocessable([Flaw(f"{below}/provider", f"the provider {provider_id} is disabled")])


def urls_of(form: NewIntegrationForm | IntegrationForm) -> dict[str, str | None]:
    """Give the addresses of a form by their JSON names."""
    return {"statementUrl": form.statement_url, "authenticationUrl": form.authentication_url}


def new_of(form: NewIntegrationForm) -> NewIntegration:
    """Give what a form makes. Raises Unprocessable."""
    return NewIntegration(
        name=form.name,
        provider=form.provider,
        technical_emails=read_emails(form.technical_emails, "technicalEmails"),
        statement_url=form.statement_url,
        authentication_url=form.authentication_url,
        client_id=form.client_id,
        client_secret=form.client_secret,
        refresh_token=form.refresh_token or None,
        batch_size=form.batch_size,
        concurrency=form.concurrency,
        scope=form.scope or None,
        enabled=form.status == "active",
    )


def changes_of(form: IntegrationForm) -> IntegrationChanges:
    """Give what a form changes. Raises Unprocessable."""
    written = form.model_dump(exclude_unset=True, exclude={"status", "technical_emails"})
    kept = {name for name in ("client_id", "client_secret") if not written.get(name)}
    given = {name: value for name, value in written.items() if name not in kept}
    changes = msgspec.convert(given, IntegrationChanges)
    if "scope" in changes:
        changes["scope"] = form.scope or None
    if "technical_emails" in form.model_fields_set:
        changes["technical_emails"] = read_emails(form.technical_emails, "technicalEmails")
    if "status" in form.model_fields_set:
        changes["enabled"] = form.status == "active"
    return changes
