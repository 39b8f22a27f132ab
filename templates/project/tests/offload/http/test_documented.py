"""The OpenAPI document, held against what is answered and what is taken."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from job_site import KINDS, make_app
from pydantic import BaseModel

from app.offload import Input, Kind
from app.offload.http.documents import form
from app.offload.http.routers import routers
from app.offload.http.schemas import OffloadProblem
from app.offload.observing.routes import development_router, metrics_router

HEALTH = "/health/ready"


class Nothing(BaseModel):
    """No parameters, no result."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document."""
    return make_app().openapi()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The operations by their ids."""
    return {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }


def references(node: Any) -> set[str]:
    """All that is referred to."""
    if isinstance(node, list):
        return set[str]().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set[str]()
    return own.union(*map(references, node.values()))


@pytest.mark.parametrize("kinds", [KINDS, {}])
def test_all_that_is_referred_to_is_there(kinds: Any) -> None:
    app = FastAPI()
    for router in routers(kinds, []):
        app.include_router(router)
    document = app.openapi()
    there = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= there
    assert f"#/components/schemas/{OffloadProblem.__name__}" in there


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        for status, response in operation["responses"].items():
            if status >= "400" and status != "416":
                assert list(response["content"]) == ["application/problem+json"], name


def test_what_a_job_names_may_not_be_there(document: dict[str, Any]) -> None:
    """A kind's `prepare` refuses so: a data set that is not there, say."""
    creating = {name: each for name, each in operations(document).items() if "create_" in name}
    assert creating
    assert all("404" in each["responses"] for each in creating.values())


def test_operations_have_names_that_read_well(document: dict[str, Any]) -> None:
    of_clips = {name for name in operations(document) if "clip" in name}
    assert of_clips == {
        "create_clip_job",
        "list_clip_jobs",
        "get_clip_job",
        "cancel_clip_job",
        "retry_clip_job",
        "get_clip_artifact",
        "follow_clip_job",
    }
    summaries = [operation["summary"] for operation in operations(document).values()]
    assert len(set(summaries)) == len(summaries)


def test_no_operation_is_named_by_its_path() -> None:
    app = make_app()
    app.include_router(metrics_router({}))
    app.include_router(development_router())
    by_path = [
        operation["operationId"]
        for methods in app.openapi()["paths"].values()
        for method, operation in methods.items()
        if operation["operationId"].endswith(f"_{method}")  # FastAPI's own choice
    ]
    assert by_path == []


def test_jobs_are_typed_by_their_kind(document: dict[str, Any]) -> None:
    found = operations(document)
    created = found["create_clip_job"]
    body = created["requestBody"]
    assert body["content"]["application/json"]["schema"]["$ref"].endswith("/ClipParams")
    assert body["required"]
    answer = created["responses"]["202"]["content"]["application/json"]["schema"]
    job = document["components"]["schemas"][answer["$ref"].rpartition("/")[2]]
    assert job["properties"]["params"]["$ref"].endswith("/ClipParams")
    assert {"$ref": "#/components/schemas/ClipResult"} in job["properties"]["result"]["anyOf"]
    page = found["list_clip_jobs"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert page["$ref"].endswith("/ClipJobPage")


def test_files_are_documented(document: dict[str, Any]) -> None:
    scan = operations(document)["create_scan_job"]
    form = scan["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["page"]
    assert form["additionalProperties"] is False
    assert form["properties"]["page"] == {"type": "string", "format": "binary"}
    box = form["properties"]["params"]["properties"]["box"]
    [box] = box.get("allOf", [box])  # as older releases of Pydantic have it
    assert box["properties"]["left"]["default"] == 0
    assert "image/*" in scan["requestBody"]["content"]
    assert "params" in {parameter["name"] for parameter in scan["parameters"]}


def test_events_are_documented(document: dict[str, Any]) -> None:
    found = operations(document)
    for name in ("follow_clip_job", "follow_all_jobs"):
        (content,) = found[name]["responses"]["200"]["content"].values()
        assert content["itemSchema"]["required"] == ["data"]


@pytest.mark.parametrize("required", [True, False])
def test_how_many_files_may_come_is_documented(required: bool) -> None:
    inputs = {"pages": Input(media_types=("image/*",), max_bytes=1, many=3, required=required)}
    kind = Kind("album", Nothing, Nothing, inputs=inputs)
    content = form(kind)["requestBody"]["content"]
    pages = content["multipart/form-data"]["schema"]["properties"]["pages"]
    assert (pages["minItems"], pages["maxItems"]) == (int(required), 3)


@pytest.mark.parametrize("path", ["/jobs", "/kinds", HEALTH, "/jobs/clip", "/jobs/events"])
def test_answers_have_the_media_type_that_is_documented(
    client: httpx.Client, document: dict[str, Any], path: str
) -> None:
    (documented,) = document["paths"][path]["get"]["responses"]["200"]["content"]
    assert client.head(path).headers["content-type"].partition(";")[0] == documented
