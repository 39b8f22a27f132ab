"""A stored file as an answer: streamed, in ranges where asked, and harmless in a browser."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from .store import is_there, read
from .stored import StoredFile, safe_type, shown_name

# What a browser shows without running it. HTML and SVG run scripts in the name of this site, so
# they, like all that is not listed, are saved and not shown.
_SHOWN = re.compile(r"application/pdf|text/plain|audio/.+|video/.+|image/(?!svg).+")
# Chrome's viewer shows no PDF under a sandbox; a PDF is no document of this site in any browser.
_SANDBOX = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; sandbox"
)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class ArtifactGone(Exception):
    """The row names a file that the store does not have any more."""


class _Unsatisfiable(Exception):
    """The range lies outside of the file."""


async def respond(request: Request, stored: StoredFile, *, download: bool = False) -> Response:
    """A stored file as the answer to GET or HEAD; `download` has the browser save it.

    200, 206 for a single range, 304, 416. Raises ArtifactGone, StoreAway.
    """
    headers = _headers(stored, download)
    if _matches(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    try:
        asked = _range(request, stored.size, headers["ETag"])
    except _Unsatisfiable:
        headers = {"Content-Range": f"bytes */{stored.size}", "Accept-Ranges": "bytes"}
        return Response(status_code=416, headers=headers)
    start, end = asked or (0, stored.size)
    if asked:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    headers |= {"Content-Length": str(end - start), "Content-Type": _content_type(stored)}
    status = 206 if asked else 200
    if request.method == "HEAD" or start == end:
        if not await is_there(stored.key):
            raise ArtifactGone(stored.key)
        return Response(status_code=status, headers=headers)
    return StreamingResponse(await _begun(stored.key, start, end), status, headers)


async def _begun(key: str, start: int, end: int) -> AsyncIterator[bytes]:
    # The first block is read before the headers are sent: afterwards no error can be told.
    blocks = read(key, start, end)
    try:
        first = await anext(blocks)
    except FileNotFoundError:
        raise ArtifactGone(key) from None

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for block in blocks:
            yield block

    return rest()


def _headers(stored: StoredFile, download: bool) -> dict[str, str]:
    media_type = _content_type(stored)
    shown = not download and _SHOWN.fullmatch(media_type.partition(";")[0].strip().lower())
    headers = {
        "ETag": f'"{stored.digest}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",  # a job that runs again may give another file
        "Content-Disposition": _disposition("inline" if shown else "attachment", stored.name),
        "X-Content-Type-Options": "nosniff",
    }
    if not media_type.startswith("application/pdf"):
        headers["Content-Security-Policy"] = _SANDBOX
    return headers


def _content_type(stored: StoredFile) -> str:
    media_type = safe_type(stored.media_type)
    return f"{media_type}; charset=utf-8" if media_type == "text/plain" else media_type


def _disposition(kind: str, name: str) -> str:
    # RFC 6266: a name for old clients in ASCII, and the real one.
    shown = shown_name(name)
    ascii_name = re.sub(r'[^\x20-\x7e]|["\\%]', "_", shown)
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(shown, safe='')}"


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return etag in tags or "*" in tags


def _range(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """The bytes asked for, from and to before; None for all. Raises _Unsatisfiable.

    What is malformed, or more than one range, may be answered with all (RFC 9110, 14.2).
    """
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if request.method != "GET" or not found or request.headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise _Unsatisfiable
    return start, end
