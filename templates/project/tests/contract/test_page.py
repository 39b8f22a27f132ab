"""The page as it is served: what a browser makes of it is for eyes, and for a browser, to judge."""

import re

import pytest

from service import NILE, ROOT, Service

WEB = ROOT / "app" / "web"
FILES = sorted(path.name for path in WEB.iterdir())
TYPES = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".html": "text/html",
    ".js": "javascript",
    ".svg": "image/svg+xml",
}


@pytest.mark.parametrize("path", ["/", *(f"/web/{name}" for name in FILES)])
def test_every_file_comes_with_its_type_and_a_strict_policy(service: Service, path: str) -> None:
    answer = service.http.get(path)
    assert answer.status_code == 200
    suffix = f".{path.rpartition('.')[2]}" if path != "/" else ".html"
    assert TYPES[suffix] in answer.headers["content-type"]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_files_name_each_other_and_no_other_host() -> None:
    texts = [(WEB / name).read_text() for name in FILES]
    named = {
        name for text in texts for name in re.findall(r"[\"'](?:/web/|\./)([\w.]+)[\"']", text)
    }
    assert named == set(FILES) - {"index.html"}
    hosts = {host for text in texts for host in re.findall(r"https?://[\w.]+", text)}
    assert hosts == {"http://www.w3.org"}  # the name of SVG: nothing is fetched from there


def test_the_sample_is_the_sample() -> None:
    assert (WEB / "nile.csv").read_bytes() == NILE


def test_nothing_beside_the_page_is_served(service: Service) -> None:
    for path in ("/web/../settings.py", "/web/%2e%2e/settings.py", "/web/nothing.js", "/web/"):
        answer = service.http.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
