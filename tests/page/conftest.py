"""Services that really run, and a real Chromium that opens their page."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import VARIANTS
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Frame,
    Locator,
    Page,
    expect,
    sync_playwright,
)
from uv import find_uv_bin

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="not run: there is no chromium")
LIMIT_MILLISECONDS = 60_000
LIMIT_SECONDS = 60
KINDS = Path(__file__).with_name("kinds")
KEY = "a key"
WORKERS = 2  # of the service that many tests share
PHONE = {"width": 375, "height": 740}
# What the page itself tells whoever looks at it: a refusal, and a service that is away.
EXPLAINED = re.compile(r"Failed to load resource: (net::ERR_|.* a status of 4\d\d )")

expect.set_options(timeout=LIMIT_MILLISECONDS)

Open = Callable[..., Page]


@dataclass(frozen=True)
class Site:
    """A service that runs, and the folder of what it keeps."""

    url: str
    folder: Path
    project: Path
    process: subprocess.Popen[bytes]

    @property
    def samples(self) -> Path:
        return self.project / "app" / "jobs" / "report" / "page"


RunSite = Callable[..., Site]


def make_project(folder: Path, variant: str) -> Path:
    """An installed project."""
    command = ["python", "-m", "fastoffload", "new", str(folder), *VARIANTS[variant]]
    subprocess.run([find_uv_bin(), "run", *command, "--no-git"], check=True)
    return folder


@contextmanager
def runner(project: Path, folder: Path) -> Iterator[RunSite]:
    """Starts the service as its developer does, always on one port; settings may be given."""
    running = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"

    def run(**settings: str) -> Site:
        environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{folder / 'app.db'}",
            "FAULTS_FOLDER": str(folder),  # of the kind of job that the generated tests have
            "PATH": f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "STORAGE_URL": str(folder / "files"),
            "WEB_PORT": str(port),
            **settings,
        }
        command = ["python", "start.py"]
        with (folder / "log.txt").open("ab") as log:
            running.append(
                subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=log)
            )
        wait_until_ready(url)
        return Site(url, folder, project, running[-1])

    try:
        yield run
    finally:
        for process in running:
            stop(process)


@pytest.fixture
def run_site(project: Path, tmp_path: Path) -> Iterator[RunSite]:
    """Starts the service of the project; settings may be given."""
    with runner(project, tmp_path) as run:
        yield run


@pytest.fixture(scope="session")
def project_with_kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the kinds of jobs in the folder `kinds`: copied there, and no more."""
    project = make_project(tmp_path_factory.mktemp("page-kinds") / "demo", "executor-process")
    shutil.copytree(KINDS, project / "app" / "jobs", dirs_exist_ok=True)
    return project


@pytest.fixture(scope="session")
def site(project_with_kinds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One service for all tests of these kinds."""
    with runner(project_with_kinds, tmp_path_factory.mktemp("site")) as run:
        yield run(JOB_WORKERS=str(WORKERS))


@pytest.fixture(scope="session")
def site_with_key(
    project_with_kinds: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The same behind an API key."""
    with runner(project_with_kinds, tmp_path_factory.mktemp("site")) as run:
        yield run(API_KEY=KEY)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(LIMIT_SECONDS)


def wait_until_ready(url: str) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not is_ready(url):
        assert time.monotonic() < end, "the service is not ready"
        time.sleep(0.05)


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens the page in a context of its own. What the browser complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPLAINED.match(message.text):
            complaints.append(message.text)

    def open_page(site: Site, **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(LIMIT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site.url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def card(page: Page, title: str) -> Locator:
    """The job of that title."""
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.get_by_role("listitem").filter(has=heading)


def give_key(page: Page, key: str) -> None:
    """Answer what the page asks for."""
    page.get_by_role("textbox", name="Key").fill(key)
    page.get_by_role("button", name="Continue").click()


def choose(page: Page, kind: str) -> Locator:
    """Choose a kind of job; its form."""
    page.get_by_label("Kind", exact=True).select_option(label=kind)
    return page.locator("form:not([hidden])").filter(
        has=page.get_by_role("button", name=f"Start: {kind}")
    )


def press_start(form: Locator) -> None:
    """Ask for the job."""
    form.get_by_role("button", name="Start").click()


def viewer(page: Page) -> Frame:
    """The browser's own viewer of PDFs, once it is there."""
    for _ in range(LIMIT_SECONDS * 10):
        for frame in page.frames:
            if frame.url.startswith("chrome-extension:"):
                return frame
        page.wait_for_timeout(100)
    pytest.fail(f"no viewer in {page.frames}")
