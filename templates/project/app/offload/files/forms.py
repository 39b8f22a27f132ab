"""The parts of a multipart form as they come in, with nothing kept of them."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .stored import UNKNOWN

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass(frozen=True)
class Part:
    """What the headers of a part say. `file_name` is None where it is a field and no file."""

    name: str
    file_name: str | None
    media_type: str


class BadForm(Exception):
    """The body is no form, or ends before the form does."""


class Form:
    """Read with `async for part in form`, and of each part all of `form.content()` before the next.

    Raises BadForm.
    """

    def __init__(self, body: AsyncIterator[bytes], boundary: bytes) -> None:
        self._body = body
        # A part begins, some of its bytes, it ends (None): in the order in which they came.
        self._events: deque[Part | bytes | None] = deque()
        self._complete = False
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value = bytearray(), bytearray()
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise BadForm(str(error)) from None

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_data,
            "on_part_end": lambda: self._events.append(None),
            "on_end": self._on_end,
        }

    async def __aiter__(self) -> AsyncIterator[Part]:
        while await self._fill():
            if isinstance(event := self._events.popleft(), Part):
                yield event
        if not self._complete:
            raise BadForm("The form ends before its last boundary")

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the part that has just begun."""
        while await self._fill():
            if not isinstance(event := self._events.popleft(), bytes):
                return
            yield event
        raise BadForm("The form ends within a part")

    async def _fill(self) -> bool:
        # Reads on only when all before has been dealt with: whoever sends waits for the store.
        while not self._events:
            chunk = await anext(self._body, None)
            if chunk is None:
                return False
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise BadForm(str(error)) from None
        return True

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            raise BadForm("A part of the form has no name")
        file_name = options.get(b"filename")
        self._events.append(
            Part(
                options[b"name"].decode("utf-8", "replace"),
                None if file_name is None else file_name.decode("utf-8", "replace"),
                self._headers.get(b"content-type", UNKNOWN.encode()).decode("latin-1").strip(),
            )
        )

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _on_end(self) -> None:
        self._complete = True
