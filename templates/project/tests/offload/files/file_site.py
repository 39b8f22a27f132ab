"""A server with the two routes that files pass through."""

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from app.offload.files.artifacts import ArtifactGone, respond
from app.offload.files.outages import StoreAway
from app.offload.files.stored import StoredFile
from app.offload.files.uploads import UploadRefused, digest_only, receive
from app.offload.kinds import Input

# How the server is asked: without certificates, which take long to read.
PLAIN: dict[str, Any] = {"timeout": 60, "trust_env": False, "verify": False}


@dataclass
class Site:
    """A server; what it takes, and the files that it gives at /files/<name>."""

    port: int = 0
    inputs: dict[str, Input] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)  # of requests that were refused

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def make_app(site: Site) -> FastAPI:
    app = FastAPI()

    @app.post("/jobs/{job}")
    async def submit(job: str, request: Request, replay: bool = False) -> Response:
        try:
            if replay:
                received = await digest_only(request, site.inputs)
            else:
                received = await receive(request, site.inputs, f"{job}/in/token")
        except UploadRefused as refused:
            site.errors.append(refused)
            return JSONResponse({"detail": refused.detail}, refused.status)
        except StoreAway as away:
            site.errors.append(away)
            return JSONResponse({"detail": str(away)}, 503)
        except BaseException as error:
            site.errors.append(error)
            raise
        files = {name: [one.as_dict() for one in many] for name, many in received.files.items()}
        answer = {"params": received.params.decode(), "files": files, "digest": received.digest()}
        return JSONResponse(answer, 202)

    @app.api_route("/files/{name}", methods=["GET", "HEAD"])
    async def give(name: str, request: Request, download: bool = False) -> Response:
        try:
            return await respond(request, site.files[name], download=download)
        except ArtifactGone:
            return Response(status_code=410)

    return app
