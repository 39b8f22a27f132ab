"""The PDF, as an independent reader finds it."""

import io
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream

from app.jobs.job_name import document, pdf, scales
from app.jobs.job_name.figures import Histogram, Interval
from app.jobs.job_name.kind import (
    JobNameParams,
    JobNameResult,
)

RESULT = JobNameResult(
    count=100,
    mean=919.35,
    standard_deviation=169.2275,
    minimum=456.0,
    lower_quartile=798.5,
    median=893.5,
    upper_quartile=1032.5,
    maximum=1370.0,
    mean_interval=Interval(low=886.4995, high=951.55, confidence=0.95),
    median_interval=Interval(low=845.0, high=940.0, confidence=0.95),
    histogram=Histogram(
        edges=[456.0, 638.8, 821.6, 1004.4, 1187.2, 1370.0], counts=[1, 30, 39, 0, 30]
    ),
)
PARAMS = JobNameParams(
    dataset="nile",
    title="Flow of the Nile",
    resamples=2000,
    seed=42,
    version=7,
)
REPORT = pdf.ReportContent(
    params=PARAMS,
    created_at=datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC),
    first_reading=datetime(1871, 1, 1, tzinfo=UTC),
    last_reading=datetime(1970, 1, 1, 12, 30, tzinfo=UTC),
    result=RESULT,
)


def titled(**params: object) -> pdf.ReportContent:
    """The report with other parameters, even such as the API refuses."""
    return replace(REPORT, params=PARAMS.model_copy(update=params))


def read(report: pdf.ReportContent = REPORT) -> PdfReader:
    """The report's PDF."""
    return PdfReader(io.BytesIO(pdf.render(report)))


def lines_of(reader: PdfReader) -> list[str]:
    """The lines of text on all pages."""
    return [line.strip() for page in reader.pages for line in page.extract_text().splitlines()]


def title_in(reader: PdfReader) -> str:
    """The title as it is drawn, its lines joined."""
    lines = lines_of(reader)
    end = next(n for n, line in enumerate(lines) if line.startswith("Bootstrap report"))
    return " ".join(lines[:end])


def test_title_and_parameters() -> None:
    lines = lines_of(read())
    assert lines[:2] == ["Flow of the Nile", "Bootstrap report on dataset nile"]
    for row in [
        "Dataset nile",
        "First reading 1871-01-01",
        "Last reading 1970-01-01 12:30:00 UTC",
        "Version 7",
        "Resamples 2,000",
        "Seed 42",
        "Percentile bootstrap, 2,000 resamples, seed 42.",
        "Created 2025-03-04 05:06:07 UTC Page 1 of 1",
    ]:
        assert row in lines


def test_statistics_and_intervals() -> None:
    lines = lines_of(read())
    for row in [
        "Count 100",
        "Mean 919.35",
        "Standard deviation 169.23",
        "Minimum 456.00",
        "Lower quartile 798.50",
        "Median 893.50",
        "Upper quartile 1,032.50",
        "Maximum 1,370.00",
        "95% confidence intervals",
        "Mean 919.35 886.50 951.55",
        "Median 893.50 845.00 940.00",
    ]:
        assert row in lines


def test_one_reading_has_no_deviation() -> None:
    result = RESULT.model_copy(update={"count": 1, "standard_deviation": None})
    lines = lines_of(read(replace(REPORT, result=result)))
    assert "Standard deviation –" in lines  # noqa: RUF001 - a dash is drawn


def test_axes_have_round_numbers() -> None:
    chart = " ".join(lines_of(read())).partition("Histogram")[2].split()
    assert {"500", "600", "700", "800", "900", "1,000", "1,100", "1,200", "1,300"} <= set(chart)
    assert {"0", "10", "20", "30", "40", "Readings", "Value"} <= set(chart)


def test_bars_are_rectangles_as_high_as_their_counts() -> None:
    reader = read()
    drawn = ContentStream(reader.pages[0].get_contents(), reader).operations
    bars = [[float(number) for number in numbers] for numbers, code in drawn if code == b"re"]
    counts = [1, 30, 39, 30]
    assert len(bars) == len(counts)
    unit = abs(bars[0][3])
    assert [abs(bar[3]) / unit for bar in bars] == pytest.approx(counts, rel=0.02)
    # The bin without readings leaves a gap of its width.
    assert bars[3][0] - bars[2][0] == pytest.approx(2 * (bars[1][0] - bars[0][0]), rel=0.01)


@pytest.mark.parametrize(("title", "pages"), [("Short", 1), ("W" * 500, 2)])
def test_pages_are_numbered(title: str, pages: int) -> None:
    found = [page.extract_text().splitlines() for page in read(titled(title=title)).pages]
    assert len(found) == pages
    for number, lines in enumerate(found, 1):
        assert f"Page {number} of {pages}" in lines[-1]


def test_metadata_is_the_reports_and_names_no_version() -> None:
    found = read(titled(title="漢字 — Nil")).metadata
    assert found is not None
    assert found.title == "漢字 — Nil"  # not drawn, but kept
    assert (found.creator, found.producer) == ("Bootstrap report", "fpdf2")
    assert found.creation_date == REPORT.created_at


def test_the_same_report_gives_the_same_bytes() -> None:
    assert pdf.render(REPORT) == pdf.render(REPORT)
    assert pdf.render(REPORT) != pdf.render(titled(seed=43))


def test_times_are_in_utc() -> None:
    east = datetime(2025, 3, 4, 8, 6, 7, tzinfo=timezone(timedelta(hours=3)))
    assert "Created 2025-03-04 05:06:07 UTC" in lines_of(read(replace(REPORT, created_at=east)))[-1]


@pytest.mark.parametrize(
    "title",
    [
        "Zażółć gęślą jaźń",
        "Съешь же ещё этих мягких французских булок",
        "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
        "Nil — “przepływ” 1871–1970 … 10⁸ m³",  # noqa: RUF001 - typographic on purpose
        "שלום עולם",
        "(a) \\ {nb} **b** <c> %d",
    ],
    ids=["polish", "russian", "greek", "typography", "hebrew", "markup"],
)
def test_text_comes_out_as_it_went_in(title: str) -> None:
    assert title_in(read(titled(title=title))) == title


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("漢字 ok", "�� ok"),
        ("go 🚀 go", "go � go"),
        ("a\x00b\x1bc", "a�b�c"),
        ("a\ud800b", "a�b"),
        ("a\uffffb", "a�b"),
        ("one\ntwo\r\n\tthree\u2028four", "one two three four"),
        ("Cafe\u0301 x\u0301", "Café x\u0301"),
    ],
    ids=["cjk", "emoji", "control", "surrogate", "noncharacter", "newlines", "combining"],
)
def test_what_cannot_be_drawn_is_replaced(
    title: str, drawn: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = read(titled(title=title))
    assert title_in(found) == drawn
    assert found.metadata is not None
    assert found.metadata.title is not None
    assert not set(found.metadata.title) & set("\x00\x1b\n\t")
    assert not caplog.records


@pytest.mark.parametrize(
    "title",
    [
        "",
        " ",
        "W" * 500,
        "word " * 100,
        "\u202e\u2066\u2067\u2069" * 9,
        "👩\u200d👩\u200d👧",
        "مرحبا 1",
    ],
    ids=["empty", "blank", "one word", "many words", "directions", "joined", "arabic"],
)
def test_hostile_titles_do_no_harm(title: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        lines = lines_of(read(titled(title=title)))
    assert "Maximum 1,370.00" in lines
    assert not caplog.records


def test_the_letters_of_a_long_title_are_all_there() -> None:
    assert title_in(read(titled(title="W" * 500))).replace(" ", "") == "W" * 500


def test_a_long_dataset_name_is_wrapped() -> None:
    name = "a-long_name." * 8
    assert name in "".join(lines_of(read(titled(dataset=name))))


@pytest.mark.parametrize(
    ("largest", "step", "value", "written"),
    [
        (1370, 0.01, 919.35, "919.35"),
        (1370, 20, 919.35, "919"),
        (5, 0.1, -0.04, "0.0"),
        (5, 0.1, -1.25, "−1.2"),  # noqa: RUF001 - a minus sign is drawn
        (999_999_999, 1, 999_999_999, "999,999,999"),
        (1e9, 1e6, 1.5e9, "1.500 × 10⁹"),  # noqa: RUF001
        (1e300, 1e298, -1.234e300, "−1.23 × 10³⁰⁰"),  # noqa: RUF001
        (1e-12, 1e-14, 1e-12, "1.00 × 10⁻¹²"),  # noqa: RUF001
        (1e300, 1e298, 0.0, "0"),
    ],
)
def test_numbers_are_written_to_the_digits_that_matter(
    largest: float, step: float, value: float, written: str
) -> None:
    assert scales.Notation.of(largest, step).write(value) == written


def test_the_longest_number_fits_its_column() -> None:
    page = document.Document("", "", REPORT.created_at)
    page.add_page()
    page.style(document.BODY, document.INK)
    longest = scales.Notation(scales.MOST_DIGITS, scientific=True).write(-1.5e-300)
    width, name = map(page.get_string_width, (longest, "Standard deviation"))
    assert width < (document.WIDTH - pdf.NAMES) / 3
    assert width < pdf.COLUMN - name


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1e300, 1e300), (0.0, 5e-323), (1e16, 1e16 + 4), (-0.5, 0.5), (0.0, 1e-12)],
    ids=["huge", "tiny", "close", "around zero", "small"],
)
def test_any_range_can_be_drawn(low: float, high: float) -> None:
    middle = low + (high - low) / 2
    changes = {
        "minimum": low,
        "lower_quartile": low,
        "median": middle,
        "upper_quartile": high,
        "maximum": high,
        "mean": middle,
        "mean_interval": Interval(low=low, high=high, confidence=0.95),
        "histogram": Histogram(edges=[low, high], counts=[100]),
    }
    result = RESULT.model_copy(update=changes)
    assert "Count 100" in lines_of(read(replace(REPORT, result=result)))


@pytest.mark.parametrize(
    ("size", "step"), [(0.7, 1), (1, 1), (1.1, 2), (2.1, 5), (5.1, 10), (90, 100), (3e-7, 5e-7)]
)
def test_steps_are_round(size: float, step: float) -> None:
    assert scales.round_step(size) == pytest.approx(step)


def test_ticks_are_multiples_of_the_step_within_the_range() -> None:
    assert scales.ticks(456, 1370, 200) == [600, 800, 1000, 1200]
    assert scales.ticks(-1, 1, 0.5) == [-1, -0.5, 0, 0.5, 1]


def test_its_parts_have_roles_for_readers_that_speak() -> None:
    root: Any = read().trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    parts = [part.get_object() for part in root["/StructTreeRoot"]["/K"][0].get_object()["/K"]]
    roles = [part["/S"] for part in parts]
    assert (roles[0], roles.count("/H1"), roles.count("/H2"), roles[-1]) == ("/H1", 1, 4, "/Figure")
    assert parts[-1]["/Alt"].startswith("Histogram of 100 readings in 5 bins from 456")


def test_everything_drawn_has_a_role_or_is_decoration() -> None:
    reader = read(titled(title="W" * 500))
    for page in reader.pages:
        depth = 0
        for _, code in ContentStream(page.get_contents(), reader).operations:
            depth += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(code, 0)
            assert depth in {0, 1}
            assert depth == 1 or code not in {b"Tj", b"TJ", b"S", b"f"}
        assert depth == 0


def test_headings_are_bold() -> None:
    resources: Any = read().pages[0]["/Resources"]
    fonts = [font.get_object() for font in resources["/Font"].values()]
    names = {font["/BaseFont"].partition("+")[2] for font in fonts}
    assert names == {"DejaVuSansBook", "DejaVuSansBold"}


def test_a_document_leaves_the_fonts_as_they_were_for_the_next() -> None:
    first = pdf.render(REPORT)
    pdf.render(titled(title="Ξεσκεπάζω \uffff 漢"))
    assert pdf.render(REPORT) == first
