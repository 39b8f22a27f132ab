"""What the pages say of the command line and of the generated projects is still so."""

import re
from pathlib import Path

import pytest
from conftest import VARIANTS, Cli, Rendered

from fastoffload.catalog import STRATEGIES

DOCS = Path("docs")
PAGES = [Path("README.md"), *sorted(DOCS.rglob("*.md"))]
OF_PROJECTS = [page for page in PAGES if page.parent.name != "recipes"]  # whose settings differ
PARTS = [
    "How it works",
    "What survives what",
    "Its limits",
    "How to tune it",
    "How to grow out of it",
]
# Each strategy with one broker, and each broker once: between them they have every file there is.
EACH_STRATEGY = [name for name in VARIANTS if name not in {"celery-rabbitmq", "dramatiq-redis"}]
# Words of ours that nobody searches for; they are notify, statistics and trace context.
NOT_TERMS = r"\bdoorbell|\btall(y|ies|ied)\b|\borigin (id|context)\b|came from a trace"
NOT_TERMS += r"|\b(ring|rings|rung|ringing)\b|(?<![A-Za-z])rings?_|_rings?\b|_rung\b"
# What is searched for, and where a user of a generated project has to find it.
TERMS = ["timeout", "progress", "upload limit", "second job", "idempotency key", "trace context"]
TERMS += ["retry", "webhook", "deadline", "metrics", "backpressure", "backups"]
# What a reader of a project is to make.
THEIRS = ("app/jobs/words/", "tests/jobs/test_words.py")
TEST = re.compile(r"`(tests/(?:jobs|offload)/(?:[\w/]*\.py|[\w/]*/)?)((?:::\w+)*)`")


@pytest.fixture(params=EACH_STRATEGY)
def project(request: pytest.FixtureRequest, rendered: Rendered) -> Path:
    """A project of each strategy."""
    return rendered(request.param)


@pytest.fixture
def projects(rendered: Rendered) -> list[Path]:
    """Projects of all strategies."""
    return [rendered(variant) for variant in EACH_STRATEGY]


def pages_of(project: Path) -> list[Path]:
    """The pages that come with a project."""
    return [project / "README.md", *sorted((project / "docs").glob("*.md"))]


def named_tests(page: Path) -> list[tuple[str, list[str]]]:
    """The files of tests that a page names, each with the class and function it names there."""
    found = TEST.findall(page.read_text("utf-8"))
    return [(file, names.split("::")[1:]) for file, names in found if file not in THEIRS]


def is_there(project: Path, file: str, names: list[str]) -> bool:
    """Whether a project has such a test."""
    path = project / file
    if not names or not path.is_file():
        return path.exists()
    text = path.read_text("utf-8")
    return all(
        re.search(rf"^ *(async def|def|class) {name}\b", text, re.MULTILINE) for name in names
    )


def check_links(page: Path) -> None:
    """Fails for a link that leads nowhere."""
    for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text("utf-8")):
        there = page.parent / target if target else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings}


def settings_of(project: Path) -> str:
    """The modules of a project that declare settings."""
    modules = [*(project / "app").rglob("settings.py"), *(project / "app").rglob("broker.py")]
    modules += (project / "app" / "jobs").rglob("routes.py")
    return " ".join(module.read_text("utf-8") for module in modules)


def named_settings(page: Path) -> set[str]:
    """What a page names as a setting, but for those of others."""
    others = ("AWS_", "OTEL_", "PROMETHEUS_", "CHAOS_", "IDLE_", "CONNECT_", "ANSWER_")
    others += ("REDIS_", "RABBITMQ_")  # of `smoke`
    found = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)\b[^`]*`", page.read_text("utf-8"))
    return {name for name in found if not name.startswith(others)}


def test_every_strategy_has_its_page() -> None:
    for strategy in STRATEGIES:
        text = (DOCS / f"{strategy}.md").read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
        assert "```mermaid" in text
        assert f"fastoffload new demo --strategy {strategy}" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_in_some_project(page: Path, projects: list[Path]) -> None:
    for file, names in named_tests(page):
        assert any(is_there(project, file, names) for project in projects), (file, names)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_test_on_a_strategys_page_is_in_its_project(
    strategy: str, rendered: Rendered
) -> None:
    variant = next(name for name in VARIANTS if name.startswith(strategy))
    for file, names in named_tests(DOCS / f"{strategy}.md"):
        assert is_there(rendered(variant), file, names), (file, names)


def test_every_test_that_a_project_names_is_in_it(project: Path) -> None:
    for page in pages_of(project):
        for file, names in named_tests(page):
            assert is_there(project, file, names), (page.name, file, names)


@pytest.mark.parametrize("page", OF_PROJECTS, ids=lambda page: page.name)
def test_every_setting_that_is_named_is_one(page: Path, projects: list[Path]) -> None:
    known = " ".join(map(settings_of, projects))
    for name in named_settings(page):
        assert re.search(rf"^    {name.lower()}: ", known, re.MULTILINE), name


def test_every_setting_that_a_project_names_is_one(project: Path, projects: list[Path]) -> None:
    known = " ".join(map(settings_of, projects)) + " web_host web_port"
    for page in pages_of(project):
        for name in named_settings(page):
            assert re.search(rf"\b{name.lower()}\b", known), (page.name, name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    check_links(page)


def test_every_link_of_a_project_leads_somewhere(project: Path) -> None:
    pages = ["jobs.md", "strategy.md", "life-of-a-job.md", "http.md", "operating.md"]
    assert set(pages) <= {page.name for page in pages_of(project)}
    for page in pages_of(project):
        check_links(page)


def test_every_file_of_a_project_that_is_named_is_there(project: Path) -> None:
    for page in pages_of(project):
        for file in re.findall(r"`((?:app|migrations)/[\w/.-]+)`", page.read_text("utf-8")):
            if not file.startswith(THEIRS):
                assert (project / file).exists(), (page.name, file)


def test_every_command_that_is_named_exists(cli: Cli, projects: list[Path]) -> None:
    pages = [*PAGES, *(page for project in projects for page in pages_of(project))]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    named = set(re.findall(r"fastoffload ([a-z]+)\b(?=[ `\n])", "\n".join(_code(text))))
    assert {"new", "update", "switch", "status", "choose", "bench"} <= named
    for command in sorted(named, key=lambda command: command == "doctor"):  # that one last
        if command == "doctor" and cli(command, "--help").returncode:
            pytest.skip("not run for doctor: it is not in this checkout")
        assert cli(command, "--help").returncode == 0, command


def _code(text: str) -> list[str]:
    """What is set as code: what a reader may type."""
    return [
        *re.findall(r"^```sh\n(.+?)^```", text, re.MULTILINE | re.DOTALL),
        *re.findall(r"`(fastoffload [^`]+)`", text),
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_use_the_terms_of_the_field(page: Path) -> None:
    if page.name != "mutations.md":  # a table of defences, by their own names
        assert not re.search(NOT_TERMS, page.read_text("utf-8"), re.IGNORECASE)


def test_code_uses_the_terms_of_the_field(project: Path) -> None:
    for source in [*(project / "app").rglob("*.py"), *(project / "tests").rglob("*.py")]:
        assert not re.search(NOT_TERMS, source.read_text("utf-8"), re.IGNORECASE), source


def test_what_people_search_for_is_found_in_a_project(project: Path) -> None:
    text = " ".join(page.read_text("utf-8") for page in pages_of(project)).lower()
    assert not re.search(NOT_TERMS, text)
    assert [term for term in TERMS if term not in text] == []


@pytest.mark.parametrize(
    ("page", "most"), [("README.md", 1200), ("docs/strategy.md", 1800)], ids=str
)
def test_a_projects_pages_stay_short(project: Path, page: str, most: int) -> None:
    assert len((project / page).read_text("utf-8").split()) <= most


def test_a_project_says_what_its_metrics_are_called(project: Path) -> None:
    page = (project / "docs" / "operating.md").read_text("utf-8")
    named = set(re.findall(r"`((?:offload|http|event_loop)_[a-z_]+)", page))
    sources = (project / "app" / "offload" / "observing").glob("*.py")
    text = " ".join(source.read_text("utf-8") for source in sources)
    made = set(re.findall(r'^ +"((?:offload|http|event_loop)_[a-z_]+)",', text, re.MULTILINE))
    made |= set(re.findall(r'Counter\(\s*"(\w+)"', text))
    assert made - named == set()
    assert named - made <= {"event_loop_stalled", "event_loop_resumed"}  # which are log lines
