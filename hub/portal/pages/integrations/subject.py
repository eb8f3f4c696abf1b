"""Which integration a page is about: where the API has it, and where its pages begin."""

from hub.portal.visit import Visit
from hub.portal.ways import HOME


def path_of(visit: Visit) -> str:
    """Give where the API has the integration."""
    return f"/api/integrations/{visit.request.path_params['integration_id']}"


def root_of(visit: Visit) -> str:
    """Give the first page of the integration."""
    return f"{HOME}/integrations/{visit.request.path_params['integration_id']}"
