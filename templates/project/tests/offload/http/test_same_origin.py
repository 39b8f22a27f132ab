"""What pages of other sites may have a visitor's browser do: nothing."""

import httpx
import pytest
from job_site import JOBS, create

TEXT = {"Content-Type": "text/plain"}
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_what_a_form_can_send_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    job = create(client)
    files = {"page": ("p", b"png", "image/png")}
    for answer in (
        client.post(f"{JOBS}/{job['id']}/cancel", headers=headers),
        client.post(f"{JOBS}/{job['id']}/retry", headers=headers),
        client.post("/jobs/tick", headers=headers),
        client.post(
            JOBS, content='{"height": 2}', headers=headers | {"Content-Type": "text/plain"}
        ),
        client.post("/scans", files=files, headers=headers),
    ):
        assert answer.status_code == 403
    assert len(client.get("/jobs").json()["items"]) == 1
    assert client.get(f"{JOBS}/{job['id']}").json()["status"] == "queued"


def test_own_pages_and_programs_may(client: httpx.Client) -> None:
    host = f"{client.base_url.host}:{client.base_url.port}"
    for headers in (
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": f"http://{host}"},
    ):
        assert client.post("/jobs/tick", headers=headers).status_code == 202


@pytest.mark.parametrize("headers", FOREIGN)
def test_what_the_application_has_allowed_another_site_is_its_matter(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    # A browser asks for leave before each of these (CORS), and the application has given it.
    assert client.post(JOBS, json={"height": 2}, headers=headers).status_code == 202
    bearer = headers | {"Authorization": "Bearer key"}
    assert client.post("/jobs/tick", headers=bearer).status_code == 202
    assert client.get("/jobs", headers=headers).status_code == 200
