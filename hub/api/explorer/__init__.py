"""The API described for people: Swagger UI, served from here, loading nothing from elsewhere."""

from importlib.resources import as_file, files

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
"""Swagger UI styles its elements in place; scripts come from here only."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Learning Hub API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="explorer"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/show.js"></script>
</body>
</html>
"""


def add_explorer(app: FastAPI) -> None:
    """Serve `/docs` and what it needs."""
    with as_file(files("hub.api.explorer") / "static") as folder:
        app.mount("/docs/assets", StaticFiles(directory=folder), name="explorer")

    @app.get("/docs", include_in_schema=False)
    async def show() -> HTMLResponse:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})
