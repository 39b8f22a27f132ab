"""The recipes: what each says of itself, and that every one can become a kind of any name."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli, Rendered
from hypothesis import given
from hypothesis import strategies as some
from workshop import CHECKOUT

from fastoffload.errors import FastoffloadError
from fastoffload.recipes import naming
from fastoffload.recipes.files import SMOKE, files_of
from fastoffload.recipes.kinds import Kind
from fastoffload.recipes.migration import following, migration_of
from fastoffload.recipes.place import Place
from fastoffload.recipes.recipe import DEFAULT, SAMPLE, in_templates

RECIPES = in_templates(CHECKOUT / "templates")
FITS = {"threads", "processes", "queue"}
# What people call such work: the recipes that are known, each with the words that must find it.
SOUGHT = {
    "blank": ("loop",),
    "email": ("e-mail", "email", "smtplib"),
    "etl": ("ETL", "pandas", "polars"),
    "http": ("requests",),
    "image": ("PIL", "Pillow", "image processing"),
    "inference": ("ML inference", "onnxruntime", "torch"),
    "report": ("PDF",),
    "video": ("video processing", "ffmpeg"),
}
REVISION = '"""x"""\n\nrevision: str = "{}"\ndown_revision: str | None = {}\n'


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.fits in FITS
    assert "\n" not in recipe.summary + recipe.why
    assert recipe.dependencies == sorted(recipe.dependencies)
    assert (recipe.folder / SMOKE).is_file()
    assert len((recipe.folder / "README.md").read_text().splitlines()) < 60
    for word in SOUGHT[name]:
        assert recipe.mentions([word]), word


@pytest.mark.parametrize("length", [1, naming.MOST])
@pytest.mark.parametrize("name", RECIPES)
def test_it_is_formatted_whatever_its_name(
    rendered: Rendered, tmp_path: Path, name: str, length: int
) -> None:
    project = Path(shutil.copytree(rendered("background"), tmp_path / "demo"))
    recipe, kind, place = RECIPES[name], "q" * length, Place(project)
    files = files_of(recipe, kind, place, "gpu") | migration_of(recipe, kind, place)
    for path, content in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(content)
    for options in (("check",), ("format", "--check", "--diff")):
        ruff = [sys.executable, "-m", "ruff", *options, "--no-cache", *files]
        ruff = [word for word in ruff if word not in files or word.endswith(".py")]
        done = subprocess.run(ruff, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    text = (project / "app" / "jobs" / kind / "kind.py").read_text()
    made = Kind.read(text)
    assert made is not None
    assert made.name == kind
    (queue,) = [word.value for word in made.call.keywords if word.arg == "queue"]
    assert ast.literal_eval(queue) == "gpu"


@given(some.text(max_size=60))
def test_whatever_is_typed_a_valid_name_is_offered(text: str) -> None:
    offered = naming.like(text)
    assert naming.fault_of(offered) is None
    assert naming.fault_of(next(naming.others(offered))) is None


def test_a_valid_name_is_offered_as_it_is() -> None:
    for name in ("contact_sheet", "a", "x2", "a" * naming.MOST):
        assert naming.like(name) == name
    assert naming.class_name("contact_sheet_2") == "ContactSheet2"


def test_they_are_found_by_words_and_said_in_json(cli: Cli) -> None:
    listed = json.loads(cli("recipes", "--json").stdout)
    assert [one["name"] for one in listed][:1] == [DEFAULT]
    assert {one["name"] for one in listed} == {*RECIPES}
    found = json.loads(cli("recipes", "pdf", "database", "--json").stdout)
    assert [one["name"] for one in found] == [SAMPLE]
    shown = cli("recipes", "pdf")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert re.search(r"fits .*processes: ", shown.stdout)
    nothing = cli("recipes", "pdf", "blockchain")
    assert nothing.returncode == 1
    assert "no recipe mentions pdf and blockchain" in nothing.stderr


def test_a_migration_follows_the_newest_one_there_is(tmp_path: Path) -> None:
    place, versions = Place(tmp_path), tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for number, (revision, below) in enumerate([("0001", None), ("ae10", "0001")]):
        (versions / f"{number}.py").write_text(REVISION.format(revision, repr(below)))
    (path,) = (made := migration_of(RECIPES[SAMPLE], "sales", place))
    assert path == "migrations/versions/0002_sales.py"
    (versions / "0002_sales.py").write_bytes(made[path])
    assert following(versions) == ("0003", "0002")
    assert b'\ndown_revision: str | None = "ae10"\n' in made[path]
    assert b'"sales_versions"' in made[path]


def test_of_two_newest_none_is_chosen(tmp_path: Path) -> None:
    for revision in ("a1", "b2"):
        (tmp_path / f"{revision}.py").write_text(REVISION.format(revision, None))
    with pytest.raises(FastoffloadError, match=r"has 2 heads .*`alembic merge heads`"):
        following(tmp_path)
