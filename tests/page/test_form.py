"""The form of any kind of job: what it offers, what it sends, and where it says what is wrong."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Locator, Page, expect

from page.conftest import NEEDS_CHROMIUM, PHONE, WORKERS, Open, Site, card, choose, press_start

pytestmark = [NEEDS_CHROMIUM, pytest.mark.xdist_group("page-kinds")]


@pytest.fixture
def page(site: Site, open_page: Open) -> Page:
    """The page."""
    return open_page(site)


def survey(page: Page, title: str) -> Locator:
    """The form, with what must be given."""
    form = choose(page, "Survey")
    form.get_by_label("Title").fill(title)
    form.get_by_label("Color").select_option("green")
    return form


def succeeded(page: Page, title: str) -> Locator:
    """The job of that title, once it has."""
    job = card(page, title)
    expect(job.get_by_text("succeeded")).to_be_visible()
    return job


def asked(site: Site, title: str) -> dict[str, Any]:
    """What the service was asked for under a title."""
    with urllib.request.urlopen(f"{site.url}/jobs/survey?limit=100") as answer:
        [found] = [j for j in json.load(answer)["items"] if j["params"]["title"] == title]
    return dict(found["params"])


def problem_of(field: Locator) -> Locator:
    """What is said to be wrong beside a field."""
    return field.locator("xpath=..").get_by_role("alert")


def test_what_is_left_as_it_is_has_its_default(page: Page, site: Site) -> None:
    press_start(survey(page, "Defaults"))
    succeeded(page, "Defaults")
    sent = asked(site, "Defaults")
    assert sent == {
        "title": "Defaults",
        "code": "AB1",
        "height": 240,
        "share": 0.25,
        "price": "19.90",
        "color": "green",
        "level": 2,
        "loud": True,
        "maybe": None,
        "limit": 7,
        "day": None,
        "moment": "2026-01-02T03:04:00Z",
        "clock": "10:30:00",
        "notes": "",
        "span": {"low": 0.5, "high": 2.0},
        "weights": [],
        "people": None,
    }


def test_what_is_given_is_sent_by_its_type(page: Page, site: Site) -> None:
    form = survey(page, "Given")
    for name, value in {
        "Code": "XY20",
        "Height": "500",
        "Share": "0.5",
        "Price": "0.10",
        "Day": "2026-05-06",
        "Moment": "2026-05-06T07:08:09",
        "Clock": "23:59",
        "Notes": "two\nlines",
        "Low": "1.5",
        "Weights (JSON)": "[1, 2.5]",
        "People (JSON)": '[{"low": 3}]',
    }.items():
        form.get_by_label(name).fill(value)
    form.get_by_label("Level").select_option("3")
    form.get_by_label("Loud").uncheck()
    form.get_by_label("Maybe").select_option("no")
    form.get_by_label("Limit").fill("")  # may be null, and is not seven then
    press_start(form)
    succeeded(page, "Given")
    assert asked(site, "Given") == {
        "title": "Given",
        "code": "XY20",
        "height": 500,
        "share": 0.5,
        "price": "0.10",
        "color": "green",
        "level": 3,
        "loud": False,
        "maybe": False,
        "limit": None,
        "day": "2026-05-06",
        "moment": page.evaluate("new Date(2026, 4, 6, 7, 8, 9).toISOString().replace('.000', '')"),
        "clock": "23:59:00",
        "notes": "two\nlines",
        "span": {"low": 1.5, "high": 2.0},
        "weights": [1.0, 2.5],
        "people": [{"low": 3.0, "high": 2.0}],
    }


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("Title", "", "valueMissing"),
        ("Code", "abc", "customError"),
        ("Height", "63", "rangeUnderflow"),
        ("Height", "1010", "rangeOverflow"),
        ("Height", "75", "stepMismatch"),
        ("Price", "", "valueMissing"),
    ],
)
def test_the_browser_knows_the_limits(page: Page, name: str, value: str, fault: str) -> None:
    form = survey(page, "Never sent")
    field = form.get_by_label(name)
    field.fill(value)
    press_start(form)
    expect(field).to_be_focused()
    assert field.evaluate(f"field => field.validity.{fault}")
    expect(card(page, "Never sent")).to_have_count(0)


def test_steps_are_counted_from_zero_as_the_schema_counts_them(page: Page) -> None:
    height = survey(page, "Never sent").get_by_label("Height")
    for value, is_right in {"70": True, "74": False, "64": False}.items():
        height.fill(value)
        assert height.evaluate("field => field.checkValidity()") is is_right


def test_a_choice_that_must_be_made_is_not_made_for_anybody(page: Page) -> None:
    form = choose(page, "Survey")
    form.get_by_label("Title").fill("Undecided")
    press_start(form)
    expect(form.get_by_label("Color")).to_be_focused()


def test_help_is_a_description_and_no_part_of_the_name(page: Page) -> None:
    title = choose(page, "Survey").get_by_role("textbox", name="Title", exact=True)
    expect(title).to_have_accessible_description("How it is called in the list")
    share = choose(page, "Survey").get_by_role("spinbutton", name="Share", exact=True)
    expect(share).to_have_accessible_description("more than 0, less than 1")


def test_what_the_service_refuses_is_said_at_the_field(page: Page) -> None:
    form = survey(page, "Polite")
    notes, people = form.get_by_label("Notes"), form.get_by_label("People (JSON)")
    notes.fill("damn")
    people.fill('[{"low": -1}]')
    form.get_by_label("Share").fill("1")  # a browser knows no limit that is not reached
    press_start(form)
    expect(problem_of(notes)).to_have_text("be polite")
    expect(problem_of(people)).to_contain_text("greater than or equal to 0")
    share = form.get_by_label("Share")
    expect(problem_of(share)).to_contain_text("less than 1")
    expect(share).to_be_focused()  # the first of them
    expect(share).to_have_attribute("aria-invalid", "true")
    expect(share).to_have_accessible_description(re.compile("should be less than 1"))
    for field, right in ((notes, "well"), (people, ""), (share, "0.5")):
        field.fill(right)
        expect(problem_of(field)).to_be_hidden()
    press_start(form)
    succeeded(page, "Polite")


def test_what_is_no_json_is_said_at_its_field(page: Page) -> None:
    form = survey(page, "No JSON")
    weights = form.get_by_label("Weights (JSON)")
    weights.fill("1, 2")
    press_start(form)
    expect(problem_of(weights)).to_contain_text("This is not JSON")
    expect(weights).to_be_focused()
    expect(card(page, "No JSON")).to_have_count(0)


def post(url: str) -> str:
    """The id of the job that a POST of nothing answers."""
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
        return str(json.load(answer)["id"])


def jobs(site: Site, status: str) -> list[str]:
    """The ids of the busy jobs in that state."""
    url = f"{site.url}/jobs/busy?status={status}&limit=100"
    with urllib.request.urlopen(url) as answer:
        return [job["id"] for job in json.load(answer)["items"]]


@pytest.fixture
def full_queue(site: Site, wait_until: Callable[[Callable[[], bool]], None]) -> Iterator[None]:
    """Each worker runs such a job without an end, and as many wait as may."""

    def is_full() -> bool:
        with suppress(HTTPError):  # 429: the one that waits has not been begun yet
            post(f"{site.url}/jobs/busy")
        return len(jobs(site, "running")) == WORKERS and len(jobs(site, "queued")) == 1

    wait_until(is_full)
    yield
    for status in ("queued", "running"):
        for job in jobs(site, status):
            post(f"{site.url}/jobs/busy/{job}/cancel")


@pytest.mark.usefixtures("full_queue")
def test_a_full_queue_is_explained_at_the_button(page: Page) -> None:
    form = choose(page, "Busy")
    press_start(form)
    expect(form.get_by_role("alert")).to_contain_text(
        "max_waiting in its kind.py allows; try again"
    )


def test_a_result_is_a_table_whatever_it_holds(page: Page) -> None:
    press_start(survey(page, "Result"))
    job = succeeded(page, "Result")
    job.get_by_text("Result", exact=True).last.click()
    cell = lambda name: job.get_by_role("row", name=name).last.get_by_role("cell")  # noqa: E731
    expect(cell("Count")).to_have_text("1,234,567")
    expect(cell("Tiny")).to_have_text("1.5E-9")
    expect(cell("Flag")).to_have_text("no")
    expect(cell("Nothing")).to_have_text("\N{EN DASH}")
    expect(cell("Text")).to_have_text("<img src=x onerror=alert(1)>")
    expect(job.locator("time[datetime='2026-01-02T03:04:05Z']")).to_be_visible()
    job.get_by_text("100 values").click()
    expect(job.get_by_text("97, 98, 99")).to_be_visible()
    spans = job.get_by_role("region", name="2 rows")
    assert spans.get_by_role("columnheader").all_inner_texts() == ["Low", "High"]
    assert spans.get_by_role("cell").all_inner_texts() == ["1", "2", "0.5", "3"]


def test_a_new_job_is_seen_among_thirty_on_a_phone(site: Site, open_page: Open) -> None:
    page = open_page(site, viewport=PHONE, is_mobile=True, has_touch=True, color_scheme="dark")
    for number in range(30):
        press_start(survey(page, f"Job {number}"))
        expect(card(page, f"Job {number}")).to_be_in_viewport()
    succeeded(page, "Job 29").get_by_text("Result", exact=True).last.tap()
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths == [PHONE["width"]] * 2
    page.reload()
    page.get_by_role("button", name="Older jobs").tap()
    expect(card(page, "Job 0")).to_be_visible()
