"""The lists of requirements agree: with each other, and with the oldest versions that run."""

import tomllib
from pathlib import Path

import pytest
from conftest import VARIANTS, Rendered
from workshop import CHECKOUT

from fastoffload.catalog import THREADS, variants
from fastoffload.requirements.declared import declared, declared_for_developers
from fastoffload.requirements.managers import requirements_in, split
from fastoffload.templating.requirements import sort_key

TEMPLATES = CHECKOUT / "templates"
FLOORS = tomllib.loads((TEMPLATES / "floors.toml").read_text(encoding="utf-8"))
# In a generated project others bring them along, or ask for them by an extra.
BROUGHT = {"aiosqlite", "greenlet", "opentelemetry-api", "pika", "pydantic"}


def listed(file: Path) -> list[str]:
    """The requirements in a list of the engine's."""
    return requirements_in(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_application_is_asked_for_the_oldest_that_run(rendered: Rendered, variant: str) -> None:
    wanted = listed(rendered(variant) / "app" / "offload" / "requirements.txt")
    asked = {split(one)[0]: one.partition(">=")[2].partition(",")[0] for one in wanted}
    choice = variants()[variant]
    groups = ["engine", *(["pool"] if choice.runs_on != THREADS else [])]
    groups += [choice.strategy.name] if choice.is_queue else []
    floors = {name: floor for group in groups for name, floor in FLOORS[group].items()}
    assert asked == floors


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_engine_asks_for_nothing_that_a_project_does_not(
    rendered: Rendered, variant: str
) -> None:
    project = rendered(variant)
    production = {split(one)[0] for one in declared(project)}
    everything = production | {split(one)[0] for one in declared_for_developers(project)}
    engine = {split(one)[0] for one in listed(project / "app" / "offload" / "requirements.txt")}
    tests = {split(one)[0] for one in listed(project / "tests" / "offload" / "requirements.txt")}
    assert engine <= production | BROUGHT
    assert tests <= everything | BROUGHT


@pytest.mark.parametrize("variant", VARIANTS)
def test_uv_finds_the_lists_sorted_and_adds_in_their_middle(
    rendered: Rendered, variant: str
) -> None:
    project = rendered(variant)
    for wanted in (declared(project), declared_for_developers(project)):
        assert wanted == sorted(wanted, key=sort_key)


def test_every_recipe_that_doctor_names_is_there() -> None:
    file = CHECKOUT / "fastoffload" / "doctor" / "blocking.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    named = {entry["recipe"] for entry in entries(tables) if "recipe" in entry}
    there = {path.parent.name for path in (TEMPLATES / "recipes").glob("*/recipe.toml")}
    assert named
    assert named <= there


def entries(table: object) -> list[dict[str, object]]:
    """All tables in a document, however deep."""
    if isinstance(table, list):
        return [found for one in table for found in entries(one)]
    if not isinstance(table, dict):
        return []
    return [table, *(found for one in table.values() for found in entries(one))]
