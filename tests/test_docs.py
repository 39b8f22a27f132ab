"""What the pages say of the generated projects is still so."""

import re
from pathlib import Path

import pytest

from fastoffload.catalog import STRATEGIES

DOCS = Path("docs")
PROJECT = Path("templates/project")
PAGES = [Path("README.md"), *sorted(DOCS.glob("*.md"))]
PARTS = [
    "How it works",
    "What survives what",
    "Its limits",
    "How to tune it",
    "How to grow out of it",
]


def test_every_strategy_has_its_page() -> None:
    for strategy in STRATEGIES:
        text = (DOCS / f"{strategy}.md").read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
        assert "```mermaid" in text
        assert f"fastoffload new demo --strategy {strategy}" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    for file, names in re.findall(r"`(tests/[\w/]+\.py)((?:::\w+)*)", page.read_text("utf-8")):
        source = (PROJECT / file).read_text(encoding="utf-8")
        for name in names.split("::")[1:]:
            assert re.search(rf"(def|class) {name}\b", source), f"{file} has no {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    modules = ("settings.py", "broker.py")
    known = " ".join((PROJECT / "app" / module).read_text("utf-8") for module in modules)
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", page.read_text(encoding="utf-8")):
        assert re.search(rf"^    {name.lower()}: ", known, re.MULTILINE), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text("utf-8")):
        there = page.parent / target if target else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings}
