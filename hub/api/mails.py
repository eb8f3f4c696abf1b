"""The mails that went to the contacts of a program. Names are PascalCase."""

from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from hub.api.access import ReadableProgram
from hub.api.house import HouseOf
from hub.api.pages import Cursor, Limit
from hub.api.strict import PascalView, StrictRoute
from hub.registry.parties.notices import ProgramMail

router = APIRouter(tags=["Programs"], route_class=StrictRoute)


class MailView(PascalView):
    """A mail that went out, or that the mail server refused for good."""

    sent_utc: datetime
    recipients: list[str]
    subject: str
    error: str | None = Field(description="why the mail server refused it, if it did")

    @classmethod
    def of(cls, mail: ProgramMail) -> Self:
        return cls(
            sent_utc=mail.at,
            recipients=list(mail.recipients),
            subject=mail.subject,
            error=mail.error,
        )


class MailPage(PascalView):
    """Some mails, and the cursor of what follows."""

    model_config = ConfigDict(alias_generator=None)

    items: list[MailView]
    next: str | None = Field(description="the cursor of the next page")


@router.get("/programs/{program_id}/mails")
async def list_mails(
    program_id: ReadableProgram, house: HouseOf, limit: Limit = 100, cursor: Cursor = None
) -> MailPage:
    """List the mails to a program's contacts, newest first."""
    page = await house.notices.mails(program_id, cursor=cursor, limit=limit)
    return MailPage(items=[MailView.of(one) for one in page.items], next=page.next)
