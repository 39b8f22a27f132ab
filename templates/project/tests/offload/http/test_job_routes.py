"""Jobs looked at, cancelled and run again; their files; where they are behind a proxy."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from job_site import JOBS, KINDS, MOST_WAITING, AppState, create, end, fail, make_app, serving
from pydantic import TypeAdapter

from app.offload.database.engines import read, transact
from app.offload.database.tables import jobs
from app.offload.files.store import put_file
from app.offload.http.schemas import job_model, render
from app.offload.queue import listing


def with_file(client: httpx.Client, folder: Path, name: str = "a b.txt") -> dict[str, Any]:
    """A clip that has succeeded and left a file."""
    job = create(client)
    (folder / "made").write_bytes(b"0123456789")
    stored = put_file(f"{job['id']}/out/1/1", folder / "made", "text/plain", name)
    end(job, {"frames": 7}, stored.as_dict())
    return dict(client.get(f"{JOBS}/{job['id']}").json())


class TestOne:
    def test_it_is_as_the_document_has_it(self, client: httpx.Client, tmp_path: Path) -> None:
        found = with_file(client, tmp_path)
        assert (found["status"], found["result"]) == ("succeeded", {"frames": 7})
        model = job_model(KINDS["clip"])
        shown = TypeAdapter(model).validate_python(found)
        assert shown.model_dump(mode="json") == found

    def test_a_job_that_moves_is_to_be_asked_for_again(self, client: httpx.Client) -> None:
        job = create(client)
        assert client.get(f"{JOBS}/{job['id']}").headers["retry-after"]
        fail(job)
        answer = client.get(f"{JOBS}/{job['id']}")
        assert "retry-after" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["error"]["code"] == "work_failed"

    def test_a_job_of_an_older_release_is_shown_as_it_is(self, client: httpx.Client) -> None:
        job = create(client)
        transact(lambda connection: connection.execute(jobs.update().values(params={"old": 1})))
        assert client.get(f"{JOBS}/{job['id']}").json()["params"] == {"old": 1}
        assert client.get("/jobs").json()["items"][0]["params"] == {"old": 1}

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("rest", ["", "/events", "/artifacts/x"])
    def test_what_is_not_there(self, client: httpx.Client, method: str, rest: str) -> None:
        tick = client.post("/jobs/tick").json()
        for job_id in (uuid4(), tick["id"]):
            assert client.request(method, f"{JOBS}/{job_id}{rest}").status_code == 404
        assert client.request(method, f"{JOBS}/7{rest}").status_code == 422

    def test_head_is_get_without_its_body(self, client: httpx.Client, tmp_path: Path) -> None:
        job = with_file(client, tmp_path)
        href = job["artifacts"][0]["href"]
        for path in ("/jobs", "/kinds", "/health/live", JOBS, f"{JOBS}/{job['id']}", href):
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert head.headers["content-length"] == got.headers["content-length"], path
        stream = client.head("/jobs/events")
        assert stream.headers["content-type"].startswith("text/event-stream")


class TestPages:
    def test_all_are_found_the_newest_first(self, client: httpx.Client) -> None:
        ids = [client.post("/jobs/tick").json()["id"] for _ in range(5)]
        for path in ("/jobs/tick", "/jobs"):
            found, cursor = [], None
            while True:
                query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
                page = client.get(path, params=query).json()
                found += [job["id"] for job in page["items"]]
                if not (cursor := page["next_cursor"]):
                    break
            assert found == ids[::-1]

    def test_only_what_is_wanted(self, client: httpx.Client) -> None:
        job, _ = create(client), client.post("/jobs/tick")
        fail(job)
        for query in ({"kind": "clip"}, {"status": "failed"}):
            assert [one["id"] for one in client.get("/jobs", params=query).json()["items"]] == [
                job["id"]
            ]
        assert client.get(JOBS, params={"status": "queued"}).json()["items"] == []

    @pytest.mark.parametrize(
        "query", [{"cursor": "x"}, {"cursor": "é"}, {"limit": 101}, {"status": "done"}]
    )
    def test_what_is_wrong_is_refused(self, client: httpx.Client, query: dict[str, Any]) -> None:
        assert client.get("/jobs", params=query).status_code == 422

    def test_each_cursor_that_the_document_has_is_taken(self, client: httpx.Client) -> None:
        of_list = client.get("/openapi.json").json()["paths"]["/jobs"]["get"]
        parameters = {each["name"]: each["schema"] for each in of_list["parameters"]}
        pattern = parameters["cursor"]["anyOf"][0]["pattern"]
        for character in "AZaz09-_":
            cursor = character * 21 + "g"
            assert re.search(pattern, cursor)
            assert client.get("/jobs", params={"cursor": cursor}).status_code == 200
            assert not re.search(pattern, f"{cursor}A")


class TestMethods:
    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            (JOBS, "GET, HEAD, POST"),
            ("/jobs", "GET, HEAD"),
            (f"{JOBS}/7", "GET, HEAD"),
            (f"{JOBS}/7/cancel", "POST"),
        ],
    )
    def test_all_that_a_path_has_are_named(
        self, client: httpx.Client, path: str, allowed: str
    ) -> None:
        for method in ("OPTIONS", "PATCH"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


class TestCancelAndRetry:
    def test_a_job_that_waits_is_cancelled_and_run_again(
        self, client: httpx.Client, app_state: AppState
    ) -> None:
        job = create(client)
        cancelled = client.post(f"{JOBS}/{job['id']}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
        again = client.post(f"{JOBS}/{job['id']}/cancel")
        assert again.status_code == 409
        assert "cancelled already" in again.json()["detail"]
        retried = client.post(f"{JOBS}/{job['id']}/retry")
        assert (retried.status_code, retried.json()["status"]) == (202, "queued")
        assert app_state.strategy.notified == ["default", "default"]
        assert client.post(f"{JOBS}/{job['id']}/retry").status_code == 409

    def test_a_retry_needs_room_like_a_new_job(self, client: httpx.Client) -> None:
        job = create(client)
        fail(job)
        for _ in range(MOST_WAITING):
            create(client)
        assert client.post(f"{JOBS}/{job['id']}/retry").status_code == 429
        assert client.get(f"{JOBS}/{job['id']}").json()["status"] == "failed"

    def test_another_kinds_job_is_left_alone(self, client: httpx.Client) -> None:
        job = create(client)
        for what in ("cancel", "retry"):
            assert client.post(f"/scans/{job['id']}/{what}").status_code == 404
        assert client.get(f"{JOBS}/{job['id']}").json()["status"] == "queued"


class TestArtifacts:
    def test_a_file_is_served_where_it_is_said_to_be(
        self, client: httpx.Client, tmp_path: Path
    ) -> None:
        [artifact] = with_file(client, tmp_path)["artifacts"]
        answer = client.get(artifact["href"])
        assert answer.content == b"0123456789"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith("inline")
        saved = client.get(artifact["href"], params={"download": True})
        assert saved.headers["content-disposition"].startswith("attachment")
        part = client.get(artifact["href"], headers={"Range": "bytes=2-3"})
        assert (part.status_code, part.content) == (206, b"23")

    def test_what_is_missing_is_told_apart(
        self, client: httpx.Client, tmp_path: Path, store: Path
    ) -> None:
        waiting = create(client)
        early = client.get(f"{JOBS}/{waiting['id']}/artifacts/x")
        assert early.status_code == 409
        client.post(f"{JOBS}/{waiting['id']}/cancel")
        job = with_file(client, tmp_path)
        unknown = client.get(f"{JOBS}/{job['id']}/artifacts/x")
        assert unknown.status_code == 404
        assert "a b.txt" in unknown.json()["detail"]
        (store / f"{job['id']}/out/1/1").unlink()
        gone = client.get(job["artifacts"][0]["href"])
        assert gone.status_code == 410
        assert gone.headers["content-type"] == "application/problem+json"

    def test_a_callback_tells_of_a_file_without_a_place(
        self, client: httpx.Client, tmp_path: Path
    ) -> None:
        with_file(client, tmp_path)

        def rendered(connection: Any) -> Any:
            [row] = listing.page(connection, kind=None, status=None, before=None, limit=1)
            return render(connection, row)

        told = read(rendered)
        assert told["artifacts"][0].keys() == {"name", "media_type", "size", "digest"}
        assert not told.keys() & {"result", "callback"}


class TestPlaces:
    def test_a_prefix_that_a_proxy_takes_off_is_in_every_path(
        self, database: None, tmp_path: Path
    ) -> None:
        with serving(make_app(), root_path="/service") as client:
            # Uvicorn puts the root path before what the proxy has left of the path.
            answer = client.post(JOBS, json={"height": 2})
            assert answer.headers["location"] == f"/service{JOBS}/{answer.json()['id']}"
            client.post(f"{JOBS}/{answer.json()['id']}/cancel")
            job = with_file(client, tmp_path)
            href = f"/service{JOBS}/{job['id']}/artifacts/a%20b.txt"
            assert job["artifacts"][0]["href"] == href
            assert client.get("/jobs").json()["items"][0]["artifacts"][0]["href"] == href
            stream = client.get(f"{JOBS}/{job['id']}/events").text
            assert href in stream
            assert {kind["prefix"] for kind in client.get("/kinds").json()} == {
                "/service/jobs/clip",
                "/service/scans",
                "/service/jobs/tick",
            }

    def test_so_is_where_the_application_is_mounted(self, database: None) -> None:
        inner = make_app()

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            async with inner.router.lifespan_context(inner):
                yield

        outer = FastAPI(lifespan=lifespan)
        outer.mount("/inner", inner)
        with serving(outer) as client:
            answer = client.post(f"/inner{JOBS}", json={"height": 2})
            assert answer.headers["location"] == f"/inner{JOBS}/{answer.json()['id']}"
            assert client.get(answer.headers["location"]).status_code == 200

    def test_kinds_are_told_with_what_they_take(self, client: httpx.Client) -> None:
        kinds = {kind["name"]: kind for kind in client.get("/kinds").json()}
        assert kinds["clip"]["title"] == "Clip"
        assert kinds["clip"]["params"]["required"] == ["height"]
        assert kinds["scan"]["inputs"] == {
            "page": {"media_types": ["image/*"], "max_bytes": 1000, "required": True, "many": 1}
        }
