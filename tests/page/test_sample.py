"""The page of the sample, from a CSV to the opened PDF."""

import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from page.conftest import (
    LIMIT_MILLISECONDS,
    LIMIT_SECONDS,
    NEEDS_CHROMIUM,
    PHONE,
    Open,
    RunSite,
    Site,
    card,
    give_key,
    make_project,
    stop,
    viewer,
)

LONG = "150000"  # resamples, which take longer than it takes to click

# One process makes the projects and runs all tests. The page knows nothing of strategies.
pytestmark = [NEEDS_CHROMIUM, pytest.mark.xdist_group("page-sample")]


@pytest.fixture(scope="module", params=["background"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed project."""
    folder = tmp_path_factory.mktemp(f"page-{request.param}") / "demo"
    return make_project(folder, request.param)


def upload(page: Page, path: Path) -> None:
    page.get_by_label("Drop or choose a CSV").set_input_files(path)
    page.get_by_role("button", name="Upload").click()


def upload_nile(page: Page, site: Site) -> None:
    upload(page, site.samples / "nile.csv")
    expect(page.get_by_text("100 readings, 1871")).to_be_visible()
    expect(page.get_by_label("Title")).to_be_focused()  # from now on it stays where it is put


def load_sample(page: Page) -> None:
    page.get_by_role("button", name="Load the sample data").click()
    expect(page.get_by_label("Title")).to_have_value("The Nile at Aswan")


def start(page: Page, title: str, *, seed: str = "1", resamples: str = "500") -> Locator:
    """Ask for a report; its card."""
    page.get_by_label("Title").fill(title)
    page.get_by_label("Resamples").fill(resamples)
    page.get_by_label("Seed").fill(seed)
    page.get_by_role("button", name="Start: Report").click()
    return card(page, title)


def opened_pdf(page: Page, link: Locator) -> bytes:
    """What the browser gets when the PDF is opened in a tab of its own."""
    with page.expect_popup() as popup:
        link.click()
    popup.value.close()
    media_type, content = page.evaluate(
        """async (url) => {
            const answer = await fetch(url);
            const bytes = new Uint8Array(await answer.arrayBuffer());
            return [answer.headers.get("content-type"), Array.from(bytes)];
        }""",
        link.get_attribute("href"),
    )
    assert media_type == "application/pdf"
    return bytes(content)


@pytest.mark.parametrize("project", ["background", "celery-redis"], indirect=True)
def test_from_a_csv_to_the_opened_pdf(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site)
    expect(page.get_by_text("No job yet")).to_be_visible()
    upload_nile(page, site)
    report = start(page, "The Nile <b>at</b> Aswan", resamples="60000")
    expect(report.get_by_role("progressbar")).to_be_visible()
    expect(report.get_by_text("succeeded")).to_be_visible()
    report.get_by_text("Result", exact=True).click()
    expect(report.get_by_role("cell", name="919.35")).to_be_visible()
    expect(report.get_by_role("img", name="Histogram")).to_be_visible()
    document = PdfReader(io.BytesIO(opened_pdf(page, report.get_by_role("link"))))
    assert "The Nile <b>at</b> Aswan" in document.pages[0].extract_text()


def test_the_data_sets_are_asked_for_once(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site)
    load_sample(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.reload()
    expect(page.get_by_text("100 readings, 1871")).to_be_visible()
    expect(page.locator("#connection")).to_have_text("live")
    page.wait_for_load_state("load")
    expect(page.get_by_label("Dataset")).to_have_value("nile")
    assert len([one for one in asked if "/datasets" in one]) == 1, asked


def test_a_data_set_is_deleted_in_every_place(run_site: RunSite, open_page: Open) -> None:
    page = open_page(run_site())
    load_sample(page)
    expect(page.get_by_text("No job yet")).to_be_visible()
    expect(page.get_by_text("oad the sample data")).to_be_hidden()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete nile").click()
    expect(page.get_by_role("button", name="Load the sample data")).to_be_visible()
    expect(page.get_by_label("Dataset").get_by_role("option")).to_have_text("none yet")


def test_another_page_sees_it_move(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    mine, theirs = open_page(site), open_page(site)
    upload_nile(mine, site)
    for number in range(8):  # a browser opens six connections to a host
        start(mine, f"Report {number}")
    for number in range(8):
        expect(card(theirs, f"Report {number}").get_by_text("succeeded")).to_be_visible()


def test_cancel_then_again(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site)
    load_sample(page)
    report = start(page, "Long", resamples=LONG)
    expect(report.get_by_text("running")).to_be_visible()
    report.get_by_role("button", name="Cancel").click()
    expect(report.get_by_text("cancelled")).to_be_visible()
    report.get_by_role("button", name="Try again").click()
    expect(report.get_by_text("succeeded")).to_be_visible()


@pytest.fixture
def fault_kind(project: Path) -> Iterator[None]:
    """The project has one more kind of job: the one of its own tests that misbehaves."""
    folder = project / "app" / "jobs" / "fault"
    shutil.copytree(project / "tests" / "offload" / "site" / "jobs" / "fault", folder)
    yield
    shutil.rmtree(folder)


@pytest.mark.usefixtures("fault_kind")
def test_a_failed_job_of_another_kind_says_why_and_is_tried_again(
    run_site: RunSite, open_page: Open, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    site = run_site()
    page = open_page(site)
    page.get_by_label("Kind", exact=True).select_option("fault")
    page.get_by_role("combobox", name=re.compile(r"^Fault\b")).select_option("broken")
    page.get_by_role("button", name="Start: Fault").click()
    job = card(page, "Fault")
    why = job.get_by_text("(work_failed)")
    expect(why).to_be_visible()
    job.get_by_role("button", name="Try again").click()
    wait_until(lambda: len((site.folder / "runs").read_text().splitlines()) == 2)
    expect(why).to_be_visible()


def test_what_is_refused_is_explained(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site)
    wrong = site.folder / "wrong.csv"
    wrong.write_text("taken_at,value\n2000-01-01,1\n2000-01-02,many\n")
    upload(page, wrong)
    expect(page.get_by_role("alert").filter(has_text="many")).to_contain_text("line 3")
    assert page.get_by_label("Name").input_value() == "wrong"


def test_the_keyboard_alone_is_enough(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site)
    expect(page.get_by_text("No job yet")).to_be_visible()
    press_until_focused(page, page.get_by_role("button", name="Load the sample data"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.press("Enter")
    report = card(page, "The Nile at Aswan")
    expect(report.get_by_text("succeeded")).to_be_visible()
    press_until_focused(page, report.get_by_role("link"))
    outline = report.get_by_role("link").evaluate("link => getComputedStyle(link).outlineStyle")
    assert outline == "solid"
    with page.expect_popup():
        page.keyboard.press("Enter")
    page.bring_to_front()
    press_until_focused(page, report.locator("summary"))
    page.keyboard.press("Enter")
    expect(report.get_by_role("img", name="Histogram")).to_be_visible()


def press_until_focused(page: Page, wanted: Locator) -> None:
    for _ in range(40):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never comes to {wanted}")


def test_on_a_phone_nothing_is_cut_off(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site, viewport=PHONE, is_mobile=True, has_touch=True)
    load_sample(page)
    report = start(page, "A title without a place to break: " + "N" * 100)
    report.get_by_text("Result", exact=True).tap()
    expect(report.get_by_role("img", name="Histogram")).to_be_visible()
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths == [PHONE["width"]] * 2
    assert page.evaluate(
        "document.querySelector('.card').offsetTop < document.querySelector('form').offsetTop"
    )
    page.get_by_role("link", name="New job").tap()
    expect(page.get_by_role("heading", name="New job")).to_be_in_viewport()


def test_a_key_is_asked_for_once_and_the_pdf_opens_with_it(
    run_site: RunSite, open_page: Open
) -> None:
    site = run_site(API_KEY="a key")
    page = open_page(site)
    give_key(page, "another")
    expect(page.get_by_text("That key is not the right one.")).to_be_visible()
    give_key(page, "a key")
    load_sample(page)
    report = start(page, "Secret")
    page.clock.install()
    forgotten = note_forgotten_urls(page)
    with page.expect_popup() as popup:
        report.get_by_role("link").click()
    popup.value.wait_for_url(re.compile("^blob:"))
    expect_viewer(popup.value, "Secret")
    assert forgotten() == []
    page.clock.fast_forward(LIMIT_MILLISECONDS)
    assert forgotten() == [popup.value.url]
    page.reload()
    expect(card(page, "Secret").get_by_text("succeeded")).to_be_visible()


def test_a_browser_that_opens_no_tab_gives_a_link_to_the_pdf(
    run_site: RunSite, open_page: Open
) -> None:
    page = open_page(run_site(API_KEY="a key"))
    give_key(page, "a key")
    load_sample(page)
    report = start(page, "Secret")
    page.evaluate("() => { window.open = () => null; }")
    report.get_by_role("link", name="report.pdf of Secret").click()
    with page.expect_popup() as popup:
        report.get_by_role("link", name="Here is report.pdf.").click()
    expect_viewer(popup.value, "Secret")


def test_the_key_is_asked_for_until_it_is_given(run_site: RunSite, open_page: Open) -> None:
    page = open_page(run_site(API_KEY="a key"))
    field = page.get_by_role("textbox", name="Key")
    for _ in range(3):  # Chromium heeds what a page says to the first one only
        expect(field).to_be_focused()
        page.keyboard.press("Escape")
    expect(field).to_be_visible()
    give_key(page, "a key")
    expect(page.get_by_text("No job yet")).to_be_visible()


def expect_viewer(tab: Page, title: str) -> None:
    """The browser's own viewer has opened, and read the title in the PDF."""
    expect(viewer(tab).get_by_text(title)).to_be_visible()


def note_forgotten_urls(page: Page) -> Callable[[], list[str]]:
    """Gives the URLs that the page has had the browser forget since."""
    page.evaluate("""() => {
        const forget = URL.revokeObjectURL.bind(URL);
        window.forgotten = [];
        URL.revokeObjectURL = (url) => { window.forgotten.push(url); forget(url); };
    }""")
    return lambda: list(page.evaluate("() => window.forgotten"))


def test_it_comes_back_when_the_service_does(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site)
    load_sample(page)
    report = start(page, "Long", resamples=LONG)
    expect(report.get_by_text("running")).to_be_visible()
    stop(site.process)
    expect(page.get_by_text("connection lost")).to_be_visible()
    run_site()
    expect(report.get_by_text("succeeded")).to_be_visible()


def test_the_samples_of_its_docs_work(run_site: RunSite, open_page: Open) -> None:
    site = run_site()
    page = open_page(site)
    load_sample(page)
    expect(start(page, "The Nile").get_by_text("succeeded")).to_be_visible()
    report = page.evaluate("async () => (await (await fetch('/reports')).json()).items[0].id")
    page_of_docs = (site.project / "docs" / "http.md").read_text().partition("## Live progress")[2]
    blocks = re.findall(r"```(?:sh|python|js)\n(.+?)```", page_of_docs, re.DOTALL)
    shell, python, script = blocks[:3]
    path = f"/reports/{report}"
    python = python.replace("http://127.0.0.1:8000", site.url)
    python += f"\nprint([state['status'] for state in follow(client, {path!r})])"
    shell = shell.replace("http://127.0.0.1:8000/reports/<id>", site.url + path)
    assert '"status":"succeeded"' in output(["sh", "-c", shell])
    assert output([str(site.project / ".venv/bin/python"), "-c", python]) == "['succeeded']\n"
    seen = f"new Promise((resolve) => {{ {script}; follow('{path}', resolve); }})"
    assert page.evaluate(seen)["status"] == "succeeded"


def output(command: list[str]) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=LIMIT_SECONDS
    )
    return done.stdout
