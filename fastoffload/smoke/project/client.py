"""Requests to a service under smoke."""

import httpx

ANSWER_SECONDS = 30


class Client:
    """Asks the service how it is."""

    def __init__(self, url: str) -> None:
        self.url = url
        # trust_env: a proxy in the environment is not meant for a service on this machine.
        self._http = httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS, trust_env=False)

    async def is_ready(self) -> bool:
        """Whether the service says that it is."""
        try:
            return (await self._http.get("/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def close(self) -> None:
        """Drop the connections, for which a server would wait at its end."""
        await self._http.aclose()
