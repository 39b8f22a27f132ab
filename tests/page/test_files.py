"""Files to a job and back: uploads, and what a browser shows in place or only saves."""

import io
import json
import struct
import wave
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from pypdf import PdfWriter

from page.conftest import (
    KEY,
    NEEDS_CHROMIUM,
    Open,
    Site,
    card,
    choose,
    give_key,
    press_start,
    viewer,
)

SECONDS = 300  # of sound: longer than what a browser takes in at once
MARK = "window.top.name = 'it ran'; document.title = 'it ran';"

pytestmark = [NEEDS_CHROMIUM, pytest.mark.xdist_group("page-kinds")]


@dataclass(frozen=True)
class File:
    """A file, and under which media type it is kept."""

    media_type: str
    content: bytes


def picture() -> bytes:
    """A red PNG."""
    lines = b"".join(b"\0" + bytes([200, 60, 40]) * 64 for _ in range(48))
    parts = {b"IHDR": struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)}
    parts |= {b"IDAT": zlib.compress(lines), b"IEND": b""}
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def sound() -> bytes:
    """A WAV of SECONDS, 88 kB a second."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(b"\0\1" * 44_100 * SECONDS)
    return content.getvalue()


def document() -> bytes:
    """A PDF of one page."""
    content = io.BytesIO()
    with PdfWriter() as writer:
        writer.add_blank_page(300, 300)
        writer.write(content)
    return content.getvalue()


SHOWN = {
    "red.png": File("image/png", picture()),
    "page.pdf": File("application/pdf", document()),
    "sound.wav": File("audio/wav", sound()),
}
SVG = f"<svg xmlns='http://www.w3.org/2000/svg'><script>{MARK}</script></svg>"
HARMFUL = {
    "page.html": File("text/html", f"<script>{MARK}</script>".encode()),
    "picture.svg": File("image/svg+xml", SVG.encode()),
    "page.xml": File("application/xhtml+xml", SVG.encode()),
    # What calls itself harmless is not looked into by the browser.
    "false.png": File("image/png", f"<script>{MARK}</script>".encode()),
}


@pytest.fixture(params=["open", "with a key"])
def page(request: pytest.FixtureRequest, open_page: Open) -> Page:
    """The page of a service that wants a key, and of one that does not."""
    has_key = request.param == "with a key"
    page = open_page(request.getfixturevalue("site_with_key" if has_key else "site"))
    if has_key:
        give_key(page, KEY)
    return page


@pytest.fixture
def open_gallery(site: Site, open_page: Open) -> Page:
    """The page of a service that wants no key."""
    return open_page(site)


def fill(page: Page, folder: Path, files: Mapping[str, File]) -> Locator:
    """The form with these files chosen."""
    form = choose(page, "Gallery")
    for name, file in files.items():
        (folder / name).write_bytes(file.content)
    form.get_by_label("Files").set_input_files([folder / name for name in files])
    kept = {name: file.media_type for name, file in files.items()}
    form.get_by_label("Title").fill(title(folder))
    form.get_by_label("Kept (JSON)").fill(json.dumps(kept))
    return form


def title(folder: Path) -> str:
    """Of the jobs of a test, which shares the service with others."""
    return folder.name


def succeeded(page: Page, folder: Path) -> Locator:
    """The job of a test, once it has."""
    job = card(page, title(folder))
    expect(job.get_by_text("succeeded")).to_be_visible()
    return job


def problem_of(field: Locator) -> Locator:
    """What is said to be wrong beside a field."""
    return field.locator("xpath=..").get_by_role("alert")


def test_what_a_browser_can_show_is_shown_in_place(page: Page, tmp_path: Path) -> None:
    press_start(fill(page, tmp_path, SHOWN))
    job = succeeded(page, tmp_path)
    expect(job.get_by_role("link")).to_have_text(sorted(SHOWN))
    job.get_by_text("Result", exact=True).click()
    shown = job.get_by_role("img", name="red.png")
    expect(shown).to_have_js_property("naturalWidth", 64)
    audio = job.get_by_label("sound.wav", exact=True)
    expect(audio).to_have_js_property("duration", SECONDS)
    assert viewer(page).is_detached() is False


def test_one_may_seek_in_what_is_long(open_gallery: Page, tmp_path: Path) -> None:
    page = open_gallery
    press_start(fill(page, tmp_path, {"sound.wav": SHOWN["sound.wav"]}))
    job = succeeded(page, tmp_path)
    asked = []
    page.on("response", lambda answer: asked.append((answer.status, answer.request.all_headers())))
    job.get_by_text("Result", exact=True).click()
    audio = job.get_by_label("sound.wav", exact=True)
    expect(audio).to_have_js_property("readyState", 4)
    end = SECONDS - 5
    audio.evaluate(
        """(audio, end) => new Promise((resolve) => {
            audio.addEventListener("seeked", resolve);
            audio.currentTime = end;
        })""",
        end,
    )
    assert audio.evaluate("audio => audio.currentTime") == end
    ranges = [headers["range"] for status, headers in asked if status == 206]
    starts = [int(one.removeprefix("bytes=").partition("-")[0]) for one in ranges]
    assert max(starts) > len(SHOWN["sound.wav"].content) * 0.9


def test_no_file_runs_in_the_name_of_the_page(page: Page, tmp_path: Path) -> None:
    press_start(fill(page, tmp_path, HARMFUL))
    job = succeeded(page, tmp_path)
    job.get_by_text("Result", exact=True).click()
    expect(job.get_by_text("false.png: this browser cannot show it.")).to_be_visible()
    assert job.locator("iframe, object, embed, img").count() == 0
    for name in list(HARMFUL)[:3]:
        with page.expect_download() as saved:
            job.get_by_role("link", name=f"{name} of {title(tmp_path)}").click()
        assert saved.value.suggested_filename == name
        assert Path(saved.value.path()).read_bytes() == HARMFUL[name].content
    with page.expect_popup() as popup:
        job.get_by_role("link", name=f"false.png of {title(tmp_path)}").click()
    popup.value.wait_for_url(lambda url: url != "about:blank")  # which is loaded, too
    for each in page.context.pages:
        assert each.title() != "it ran"
        assert each.evaluate("window.name") == ""


def test_not_even_in_a_frame_of_the_page(open_gallery: Page, tmp_path: Path) -> None:
    """As if a fault of the page had framed it: the answer itself must be harmless."""
    page = open_gallery
    press_start(fill(page, tmp_path, {"page.html": HARMFUL["page.html"]}))
    href = succeeded(page, tmp_path).get_by_role("link").get_attribute("href")
    with page.expect_response(f"**{href}") as answer:
        page.evaluate(
            """(src) => {
                const frame = document.createElement("iframe");
                frame.src = src;
                document.body.append(frame);
            }""",
            href,
        )
    assert answer.value.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.value.headers["content-security-policy"]
    assert page.title() == "Jobs"


def test_what_is_too_much_is_said_before_it_is_sent(open_gallery: Page, tmp_path: Path) -> None:
    page = open_gallery
    form = fill(page, tmp_path, {"red.png": SHOWN["red.png"]})
    portrait = form.get_by_label("Portrait")
    expect(portrait).to_have_attribute("accept", "image/*")
    expect(portrait).to_have_accessible_description("image/* · at most 1 kB · may be left out")
    (large := tmp_path / "large.png").write_bytes(bytes(2_000))
    (wrong := tmp_path / "wrong.txt").write_text("no picture")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    for file, why in ((large, "large.png has 2 kB; at most 1 kB"), (wrong, "is text/plain; taken")):
        portrait.set_input_files(file)
        press_start(form)
        expect(problem_of(portrait)).to_contain_text(why)
        expect(portrait).to_be_focused()
    files = form.get_by_label("Files")
    files.set_input_files([large] * 9)
    press_start(form)
    expect(problem_of(files)).to_have_text("At most 8 files, not 9.")
    assert "POST" not in sent


def test_what_the_service_finds_wrong_with_a_file_is_said_at_it(page: Page, tmp_path: Path) -> None:
    form = fill(page, tmp_path, {"red.png": SHOWN["red.png"]})
    portrait = form.get_by_label("Portrait")
    (unknown := tmp_path / "portrait").write_bytes(b"no picture")  # of which no browser knows
    portrait.set_input_files(unknown)
    press_start(form)
    expect(problem_of(portrait)).to_have_text(
        "portrait takes image/*, not application/octet-stream"
    )
    expect(portrait).to_be_focused()


@pytest.fixture
def slow_network(open_gallery: Page) -> Iterator[None]:
    """Sends 2 MB a second."""
    session = open_gallery.context.new_cdp_session(open_gallery)
    speed = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2e6}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", speed)
    yield
    session.detach()


@pytest.mark.usefixtures("slow_network")
def test_an_upload_shows_how_far_it_is_and_can_be_cancelled(
    open_gallery: Page, tmp_path: Path
) -> None:
    page = open_gallery
    form = fill(page, tmp_path, {"sound.wav": SHOWN["sound.wav"]})
    press_start(form)
    bar = form.get_by_role("progressbar", name="Upload")
    expect(form.get_by_text("of 26.5 MB")).to_be_visible()
    page.wait_for_function("bar => bar.value > 0.05", arg=bar.element_handle())
    assert 0 < float(bar.evaluate("bar => bar.value")) < 1
    form.get_by_role("button", name="Cancel upload").click()
    expect(bar).to_be_hidden()
    expect(form.get_by_role("button", name="Start: Gallery")).to_be_focused()
    expect(page.get_by_text("The upload is cancelled, and nothing of it is kept.")).to_be_attached()
    expect(card(page, title(tmp_path))).to_have_count(0)
    press_start(fill(page, tmp_path, {"red.png": SHOWN["red.png"]}))
    succeeded(page, tmp_path)


def test_a_key_that_ends_meanwhile_is_asked_for_again(
    site_with_key: Site, open_page: Open, tmp_path: Path
) -> None:
    page = open_page(site_with_key)
    give_key(page, KEY)
    form = fill(page, tmp_path, {"red.png": SHOWN["red.png"]})
    # Not before: what the page asks for in between would be refused first.
    page.evaluate(
        """() => addEventListener(
            "submit",
            () => sessionStorage.setItem("api-key", "an old one"),
            { capture: true, once: true },
        )"""
    )
    press_start(form)
    expect(page.get_by_text("That key is not the right one.")).to_be_visible()
    give_key(page, KEY)
    succeeded(page, tmp_path)


def test_a_service_that_goes_away_under_an_upload_is_told(
    open_gallery: Page, tmp_path: Path
) -> None:
    page = open_gallery
    form = fill(page, tmp_path, {"red.png": SHOWN["red.png"]})

    def cut(route: Route) -> None:
        if route.request.method == "POST":
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/jobs/gallery", cut)
    press_start(form)
    expect(form.get_by_text("The service does not answer.")).to_be_visible()
    expect(form.get_by_role("progressbar")).to_be_hidden()
