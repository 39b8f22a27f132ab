"""Serves the page. It holds no data, so it comes without the API key, and asks for it when needed.

A kind may bring along `page/index.js` in its folder: see app/jobs/report/page.
"""

from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI, HTTPException
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from app.offload.discovery import JOBS, folder_of, kinds

FOLDER = Path(__file__).with_name("static")
SWAGGER_UI = Path(fastapi_offline.__file__).with_name("static")

HEADERS = {
    "Cache-Control": "no-cache",  # a browser asks whether a file has changed: it has no version
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob:",  # a file that was fetched with the key is a blob
            "media-src 'self' blob:",
            "frame-src 'self' blob:",  # PDFs: see OPENED in artifacts.js
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI) -> None:
    """Serve the page at /, its files below /web, and the API's documentation at /docs."""
    own = {name: folder for name in kinds() if (folder := page_of(name)).is_dir()}
    facts = {
        "docs": app.openapi_url is not None,
        "kinds": {name: f"web/kinds/{name}/index.js" for name in own},
    }

    async def get_page() -> FileResponse:
        return FileResponse(FOLDER / "index.html", headers=HEADERS)

    async def get_facts() -> dict[str, Any]:
        return facts

    async def get_docs() -> Response:
        return _docs(app)

    for path, route in {"/": get_page, "/web/page.json": get_facts, "/docs": get_docs}.items():
        app.add_api_route(path, route, methods=["GET", "HEAD"], include_in_schema=False)
    for name, folder in own.items():
        app.mount(f"/web/kinds/{name}", _Files(directory=folder))
    app.mount("/web/swagger", StaticFiles(directory=SWAGGER_UI))
    app.mount("/web", _Files(directory=FOLDER))


def page_of(kind: str) -> Path:
    """Where a kind has what it brings along for the page."""
    return JOBS / folder_of(kind) / "page"


def _docs(app: FastAPI) -> Response:
    """Swagger UI, from files of this service: FastAPI's own page loads them from another host."""
    if app.openapi_url is None:
        raise HTTPException(404, "The documentation is served only while no API_KEY is set.")
    return get_swagger_ui_html(
        openapi_url=app.openapi_url.lstrip("/"),  # relative: there may be a prefix before all paths
        title=app.title,
        swagger_js_url="web/swagger/swagger-ui-bundle.js",
        swagger_css_url="web/swagger/swagger-ui.css",
        swagger_favicon_url="web/icon.svg",
    )
