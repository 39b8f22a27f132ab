"""Requests to a service under smoke."""

from typing import Any, TypedDict, Unpack

import httpx

from fastoffload.smoke.stages.outcome import StageError

ANSWER_SECONDS = 30


class Content(TypedDict, total=False):
    """What a request may carry."""

    json: dict[str, Any]
    content: bytes
    headers: dict[str, str]


class Client:
    """Asks the service; an answer other than the one expected is a failure of the stage."""

    def __init__(self, url: str) -> None:
        # trust_env: a proxy in the environment is not meant for a service on this machine.
        self._http = httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS, trust_env=False)

    async def is_ready(self) -> bool:
        """Whether the service says that it is."""
        try:
            return (await self._http.get("/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def ask(
        self, method: str, path: str, expected: int, **content: Unpack[Content]
    ) -> httpx.Response:
        """The answer. Raises StageError when it has another status, or does not come."""
        try:
            answer = await self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise StageError(f"{method} {path}: no answer ({error!r})") from error
        if answer.status_code != expected:
            raise StageError(
                f"{method} {path}: {answer.status_code}, not {expected}\n{answer.text}"
            )
        return answer

    async def close(self) -> None:
        """Drop the connections, for which a server would wait at its end."""
        await self._http.aclose()
