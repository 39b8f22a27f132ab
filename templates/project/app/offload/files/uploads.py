"""A request with files, straight into the store: nothing of it is whole in memory at any time."""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from mimetypes import guess_type
from typing import Protocol

from anyio import CancelScope
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from ..kinds import Input
from ..settings import get_settings
from .forms import BadForm, Form, Part
from .store import delete_prefix, hash_stream, put_stream
from .stored import UNKNOWN, StoredFile, TooLarge, shown_name

PARAMS = "params"
_FORM = "multipart/form-data"
_JSON = "application/json"  # the params alone, for a job whose files may be left out
_FORM_OVERHEAD_BYTES = 65_536  # boundaries and headers

_log = logging.getLogger(__name__)


class UploadRefused(Exception):
    """The request is not as it must be: an HTTP status, one line that says why, and the input."""

    def __init__(self, status: int, detail: str, name: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.name = status, detail, name


@dataclass
class Received:
    """What a request brought: the parameters as JSON, `{}` if there were none, and its files."""

    params: bytes = b"{}"
    files: dict[str, list[StoredFile]] = field(default_factory=dict)

    def digest(self) -> str:
        """SHA-256 of what was sent, wherever it is stored: equal for a request sent again."""
        try:
            params = json.loads(self.params)
        except ValueError:
            params = self.params.decode("utf-8", "replace")
        files = {
            name: [(file.name, file.media_type, file.digest) for file in files]
            for name, files in self.files.items()
        }
        sent = json.dumps([params, files], sort_keys=True)
        return hashlib.sha256(sent.encode()).hexdigest()


class _Keep(Protocol):
    """`put_stream`, or `hash_stream`, which keeps nothing."""

    async def __call__(
        self, key: str, chunks: AsyncIterator[bytes], limit: int, /, *, name: str, media_type: str
    ) -> StoredFile: ...


async def receive(request: Request, inputs: Mapping[str, Input], prefix: str) -> Received:
    """Store the files of a request as `<prefix>/<n>`: of a form, or the body of a single input.

    Raises UploadRefused, StoreAway; then nothing is left under the prefix. Whoever cannot use what
    came back calls `discard`.
    """
    reading = _Reading(request, inputs, put_stream, prefix)
    try:
        return await reading.all()
    except BaseException:
        if reading.has_begun_a_file:
            await discard(prefix)
        raise


async def digest_only(request: Request, inputs: Mapping[str, Input]) -> Received:
    """The same with nothing stored, to compare a request with one before. Raises UploadRefused."""
    return await _Reading(request, inputs, hash_stream, "").all()


async def discard(prefix: str) -> None:
    """Delete what was received; also while cancelled. What the store keeps then is logged."""
    with CancelScope(shield=True):
        try:
            await asyncio.to_thread(delete_prefix, prefix)
        except Exception as error:  # the first error is the one that counts
            _log.warning("Files under %s stay until the job is swept: %s", prefix, error)


class _Reading:
    def __init__(
        self, request: Request, inputs: Mapping[str, Input], keep: _Keep, prefix: str
    ) -> None:
        self._request, self._inputs, self._keep, self._prefix = request, inputs, keep, prefix
        self._received = Received()
        self._has_params = False

    @property
    def has_begun_a_file(self) -> bool:
        return bool(self._received.files)

    async def all(self) -> Received:
        header = self._request.headers.get("content-type", "")
        media_type, options = parse_options_header(header)
        try:
            if media_type == _FORM.encode():
                await self._form(options.get(b"boundary", b""))
            elif media_type == _JSON.encode() and not self._takes_json():
                await self._take_params(self._request.stream())
            else:
                await self._raw(header)
        except ClientDisconnect:
            raise UploadRefused(400, "The connection was cut during the upload") from None
        except BadForm as error:
            raise UploadRefused(400, f"The form cannot be read: {error}") from None
        self._nothing_missing()
        return self._received

    def _takes_json(self) -> bool:
        """Whether JSON is a file here: where an input asks for it by name."""
        return any(_JSON in each.media_types for each in self._inputs.values())

    async def _form(self, boundary: bytes) -> None:
        if not boundary:
            raise UploadRefused(400, "The Content-Type of the form names no boundary")
        self._check_length(
            sum(each.max_bytes * each.many for each in self._inputs.values())
            + get_settings().max_json_bytes
            + _FORM_OVERHEAD_BYTES
        )
        form = Form(self._request.stream(), boundary)
        async for part in form:
            if part.name == PARAMS:
                await self._take_params(form.content())
            elif part.file_name == "" and part.name in self._inputs:
                pass  # a page's field in which no file was chosen
            else:
                await self._take_file(part, form.content())

    async def _raw(self, header: str) -> None:
        if len(self._inputs) != 1:
            names = ", ".join((PARAMS, *self._inputs))
            raise UploadRefused(415, f"Send a form ({_FORM}) with the parts {names}")
        [(name, limits)] = self._inputs.items()
        if self._request.headers.get("content-length") == "0":
            return
        self._check_length(limits.max_bytes)
        params = self._request.query_params.get(PARAMS)
        if params is not None:
            await self._take_params(_once(params.encode()))
        await self._take_file(Part(name, name, header or UNKNOWN), self._request.stream())
        if not self._received.files[name][0].size:
            raise UploadRefused(422, f"The file {name} is empty", name)

    async def _take_params(self, content: AsyncIterator[bytes]) -> None:
        if self._has_params:
            raise UploadRefused(422, f"There are two parts {PARAMS}")
        self._has_params, limit = True, get_settings().max_json_bytes
        params = bytearray()
        async for chunk in content:
            params += chunk
            if len(params) > limit:
                raise UploadRefused(413, f"{PARAMS} takes up to {limit:,} bytes: MAX_JSON_BYTES")
        self._received.params = bytes(params)

    async def _take_file(self, part: Part, content: AsyncIterator[bytes]) -> None:
        limits = self._allowed(part)
        media_type = self._media_type(part, limits)
        files = self._received.files.setdefault(part.name, [])
        key = f"{self._prefix}/{sum(map(len, self._received.files.values()))}"
        try:
            stored = await self._keep(
                key, content, limits.max_bytes, name=part.file_name or "", media_type=media_type
            )
        except TooLarge:
            raise self._too_large(part.name) from None
        files.append(stored)

    def _allowed(self, part: Part) -> Input:
        limits = self._inputs.get(part.name)
        if limits is None:
            known = ", ".join((PARAMS, *self._inputs))
            raise UploadRefused(422, f"There is no input {part.name[:100]!r}, only {known}")
        if part.file_name is None:
            raise UploadRefused(
                422,
                f"{part.name} must be sent as a file (with curl: -F {part.name}=@path)",
                part.name,
            )
        if len(self._received.files.get(part.name, ())) >= limits.many:
            allowed = "one file" if limits.many == 1 else f"{limits.many} files"
            raise UploadRefused(422, f"{part.name} takes {allowed} at the most", part.name)
        return limits

    def _media_type(self, part: Part, limits: Input) -> str:
        media_type, _ = parse_options_header(part.media_type)
        declared = media_type.decode("latin-1") or UNKNOWN
        if declared == UNKNOWN:  # what a client says that does not know
            declared = guess_type(shown_name(part.file_name or ""))[0] or UNKNOWN
        if not any(fnmatch(declared, allowed.lower()) for allowed in limits.media_types):
            wanted = ", ".join(limits.media_types)
            detail = f"{part.name} takes {wanted}, not {declared[:100]}"
            raise UploadRefused(415, detail, part.name)
        return declared

    def _check_length(self, limit: int) -> None:
        # Before anything is read: a client that waits for 100 Continue has then sent nothing.
        length = self._request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise self._too_large(*self._inputs)

    def _too_large(self, *names: str) -> UploadRefused:
        limits = "; ".join(
            f"{name} takes up to {self._inputs[name].max_bytes:,} bytes a file" for name in names
        )
        name = names[0] if len(names) == 1 else None
        return UploadRefused(413, f"{limits}: Input(max_bytes=...) in kind.py", name)

    def _nothing_missing(self) -> None:
        for name, limits in self._inputs.items():
            if limits.required and not self._received.files.get(name):
                raise UploadRefused(422, f"The file {name} is missing", name)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
