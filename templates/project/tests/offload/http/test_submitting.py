"""Jobs asked for: what is accepted, what is refused, and what is left of either."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from job_site import (
    CLIP,
    JOBS,
    MOST_WAITING,
    AppState,
    ClipParams,
    begin,
    create,
    lifespan,
    serving,
)

from app.offload.http.routers import routers
from app.offload.settings import get_settings

JSON = {"Content-Type": "application/json"}
KEY = {"Idempotency-Key": "k"}


def count(client: httpx.Client, prefix: str = JOBS) -> int:
    return len(client.get(prefix).json()["items"])


class TestJson:
    def test_a_job_is_accepted_and_told_of(self, client: httpx.Client, app_state: AppState) -> None:
        answer = client.post(JOBS, json={"height": 10})
        job = answer.json()
        assert answer.status_code == 202
        assert answer.headers["location"] == f"{JOBS}/{job['id']}"
        assert answer.headers["retry-after"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (job["kind"], job["status"], job["params"]["height"]) == ("clip", "queued", 10)
        assert app_state.strategy.notified == ["default"]
        assert client.get(answer.headers["location"]).json() == job

    def test_what_prepare_pins_is_what_is_run(self, client: httpx.Client) -> None:
        assert create(client)["params"]["note"] == "pinned"

    def test_what_prepare_refuses_is_told_with_its_members(self, client: httpx.Client) -> None:
        answer = client.post(JOBS, json={"height": 2, "note": "refuse"})
        assert answer.status_code == 404
        assert answer.json()["note"] == "refuse"
        assert count(client) == 0

    @pytest.mark.parametrize(
        ("body", "at"),
        [
            ('{"height": 1}', "body.height"),
            ('{"height": 2, "hieght": 3}', "body.hieght"),
            ("[]", "body"),
            ('{"height"', "body.9"),
        ],
    )
    def test_what_is_wrong_is_named(self, client: httpx.Client, body: str, at: str) -> None:
        answer = client.post(JOBS, content=body, headers=JSON)
        assert answer.status_code == 422
        assert [fault["at"] for fault in answer.json()["errors"]] == [at]

    def test_no_body_is_no_parameters(self, client: httpx.Client) -> None:
        assert client.post("/jobs/tick").status_code == 202
        assert client.post(JOBS).status_code == 422

    def test_only_json_is_taken(self, client: httpx.Client) -> None:
        answer = client.post(JOBS, content="height=2", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 415

    @pytest.mark.parametrize("declared", [True, False])
    def test_a_body_has_a_limit(self, client: httpx.Client, declared: bool) -> None:
        body = b'{"height": 2, "note": "%s"}' % (b"x" * get_settings().max_json_bytes)
        content: Any = body if declared else iter([body[:100], body[100:]])
        answer = client.post(JOBS, content=content, headers=JSON)
        assert answer.status_code == 413
        assert "MAX_JSON_BYTES" in answer.json()["detail"]

    def test_when_not_to_run_before(self, client: httpx.Client, app_state: AppState) -> None:
        at = "2999-01-01T00:00:00Z"
        job = client.post(JOBS, json={"height": 2}, params={"run_at": at}).json()
        assert (job["status"], job["run_at"]) == ("delayed", at)
        naive = client.post(JOBS, json={"height": 2}, params={"run_at": "2999-01-01T00:00:00"})
        assert naive.status_code == 422


class TestRoom:
    def test_as_many_wait_as_may(self, client: httpx.Client) -> None:
        jobs = [create(client) for _ in range(MOST_WAITING)]
        answer = client.post(JOBS, json={"height": 2})
        assert answer.status_code == 429
        assert "max_waiting in its kind.py" in answer.json()["detail"]
        assert answer.headers["retry-after"]
        assert client.post("/jobs/tick").status_code == 202  # the others have room of their own
        begin(jobs[0])
        create(client)

    def test_a_repeat_needs_no_room(self, client: httpx.Client) -> None:
        first = client.post(JOBS, json={"height": 2}, headers=KEY)
        for _ in range(MOST_WAITING - 1):
            create(client)
        assert client.post(JOBS, json={"height": 2}, headers=KEY).json() == first.json()


class TestCallbackUrl:
    def test_it_is_kept(self, client: httpx.Client) -> None:
        url = {"callback_url": "https://example.org/hook"}
        job = client.post(JOBS, json={"height": 2}, params=url).json()
        assert job["callback"]["status"] == "waiting"

    @pytest.mark.parametrize("url", ["https://u:p@example.org/", "ftp://x/", "x"])
    def test_not_every_url_will_do(self, client: httpx.Client, url: str) -> None:
        answer = client.post(JOBS, json={"height": 2}, params={"callback_url": url})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["at"] == "query.callback_url"
        assert count(client) == 0

    @pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/"])
    def test_not_every_address_will_do(self, client: httpx.Client, url: str) -> None:
        answer = client.post(JOBS, json={"height": 2}, params={"callback_url": url})
        assert answer.status_code == 403
        assert "callback_url" in answer.json()["detail"]
        assert count(client) == 0

    def test_the_longest_is_what_the_document_says(self, client: httpx.Client) -> None:
        create = client.get("/openapi.json").json()["paths"][JOBS]["post"]
        parameters = {each["name"]: each["schema"] for each in create["parameters"]}
        longest = parameters["callback_url"]["anyOf"][0]["maxLength"]
        url = "https://example.org/".ljust(longest, '"')  # kept as %22
        for given, status in ((url, 202), (f"{url}x", 422)):
            answer = client.post(JOBS, json={"height": 2}, params={"callback_url": given})
            assert answer.status_code == status

    def test_without_a_secret_there_are_none(
        self, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CALLBACK_SECRET", "")
        get_settings.cache_clear()
        answer = client.post(
            JOBS, json={"height": 2}, params={"callback_url": "https://example.org/"}
        )
        assert answer.status_code == 403
        assert "CALLBACK_SECRET" in answer.json()["detail"]


class TestRepeats:
    def test_the_same_request_is_one_job(self, client: httpx.Client, app_state: AppState) -> None:
        first = client.post(JOBS, content='{"height": 2, "note": "x"}', headers=JSON | KEY)
        again = client.post(JOBS, content='{ "note":"x","height":2}', headers=JSON | KEY)
        assert again.json() == first.json()
        assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
        assert "idempotency-replayed" not in first.headers
        assert app_state.strategy.notified == ["default"]

    def test_another_request_is_refused(self, client: httpx.Client) -> None:
        client.post(JOBS, json={"height": 2}, headers=KEY)
        for request in (
            {"json": {"height": 3}},
            {"json": {"height": 2}, "params": {"run_at": "2999-01-01T00:00:00Z"}},
            {"json": {"height": 2}, "params": {"callback_url": "https://example.org/"}},
        ):
            assert client.post(JOBS, headers=KEY, **request).status_code == 409

    def test_a_field_of_a_later_release_changes_nothing(
        self, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = client.post(JOBS, json={"height": 2}, headers=KEY)

        class LaterParams(ClipParams):
            """With one more that has a default."""

            speed: int = 1

        monkeypatch.setattr(CLIP, "params", LaterParams)
        app = FastAPI(lifespan=lifespan)
        for router in routers({"clip": CLIP}, []):
            app.include_router(router)
        with serving(app) as later:
            again = later.post(JOBS, json={"height": 2}, headers=KEY)
        assert again.json()["id"] == first.json()["id"]

    def test_a_key_is_the_kinds_own(self, client: httpx.Client) -> None:
        first = client.post(JOBS, json={"height": 2}, headers=KEY).json()
        assert client.post("/jobs/tick", headers=KEY).json()["id"] != first["id"]

    def test_of_many_at_once_one_is_new(self, client: httpx.Client) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda _: client.post(JOBS, json={"height": 2}, headers=KEY), range(16))
            )
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert count(client) == 1
