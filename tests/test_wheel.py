"""The wheel, installed with no checkout near, makes what the checkout makes."""

import os
import subprocess
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import FASTOFFLOAD, VARIANTS
from uv import find_uv_bin
from workshop import CHECKOUT

from fastoffload.bench.service.projects import INSIDE
from fastoffload.templating.releases import PACKAGE


def run(*command: str, cwd: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(find_uv_bin(), "build", "--out-dir", str(folder), cwd=CHECKOUT)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of an environment that holds nothing but the wheel."""
    environment = tmp_path_factory.mktemp("environment")
    (wheel,) = dist.glob("*.whl")
    python = environment / "bin" / "python"
    run(find_uv_bin(), "venv", "--clear", str(environment), cwd=environment)
    # Compiled, as pip does: the templates' .pyc files must not reach a project.
    install = ("pip", "install", "--compile-bytecode", "--python", str(python), str(wheel))
    run(find_uv_bin(), *install, cwd=environment)
    return environment / "bin" / "fastoffload"


def templates(names: Sequence[str], root: str) -> set[str]:
    return {name.removeprefix(root) for name in names if name.startswith(root)}


def test_wheel_and_sdist_hold_the_templates_and_no_caches(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    in_wheel = zipfile.ZipFile(wheel).namelist()
    with tarfile.open(sdist) as archive:
        in_sdist = archive.getnames()
    for name in (*in_wheel, *in_sdist):
        assert not name.endswith((".pyc", ".pyo")), name
        assert "cache" not in name, name
    root = sdist.name.removesuffix(".tar.gz")
    in_package = templates(in_wheel, "fastoffload/templates/")
    assert "copier.yml" in in_package
    for path in INSIDE.rglob("*.py"):
        assert f"fastoffload/{path.relative_to(PACKAGE).as_posix()}" in in_wheel
    assert "fastoffload/releases.bundle" in in_wheel
    assert f"{root}/fastoffload/releases.bundle" in in_sdist
    assert in_package <= templates(in_sdist, f"{root}/templates/")
    assert f"{root}/tests/test_wheel.py" in in_sdist


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_bytes_as_from_the_checkout(installed: Path, tmp_path: Path, variant: str) -> None:
    options = ("demo", "--no-install", "--no-git", *VARIANTS[variant])
    trees = []
    for program in ((str(installed),), FASTOFFLOAD):
        folder = tmp_path / str(len(trees))
        folder.mkdir()
        run(*program, "new", *options, cwd=folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        trees.append(
            {path.relative_to(folder): (path.stat().st_mode, path.read_bytes()) for path in files}
        )
    assert trees[0] == trees[1]
    assert len(trees[0]) > 20
