"""A file of certificates that cannot be used is told at the start, with what to mend."""

import asyncio
from pathlib import Path

import pytest

from app.offload.callbacks import sender
from offload.callbacks.test_sender import render


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "broken"])
@pytest.mark.usefixtures("database")
def test_without_certificates_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "certificates.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    async def start() -> None:
        async with sender.running(render):
            pytest.fail("it began without them")

    with pytest.raises(RuntimeError, match="mend SSL_CERT_FILE"):
        asyncio.run(start())
