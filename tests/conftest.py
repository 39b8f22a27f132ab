"""What several tests use: the command line as a real process, and the programs around it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import forked
import pytest
from workshop import Workshop, making

from fastoffload.catalog import variants
from fastoffload.system.cpu import available_cores

# The options of `new` for each variant: the strategy and, where it has an option, that.
VARIANTS = {
    name: tuple(
        word for question, answer in choice.answers.items() for word in (f"--{question}", answer)
    )
    for name, choice in variants().items()
}
FASTOFFLOAD = forked.COMMAND
LIMIT_SECONDS = 60
# The modules with tests that take from fifteen seconds to a minute.
LONGEST = {"test_floors", "test_interrupted", "test_living", "test_releases", "test_smoke_faults"}
LONGEST |= {"test_storage_s3", "test_update_faults"}

Cli = Callable[..., subprocess.CompletedProcess[str]]
Rendered = Callable[[str], Path]


def pytest_configure() -> None:
    """What the tests start must hear of signals that whoever started the tests ignored (nohup)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that take longest: nobody waits for one in the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice the cores: half of the time the tests wait for services; a third one gains nothing."""
    return 2 * available_cores()


def names_in(folder: Path) -> list[str]:
    """The names of what a folder holds, sorted."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Runs fastoffload without a terminal, in the test's folder."""

    def run(
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path = tmp_path,
        prefix: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        if forked.is_possible(prefix, env):
            return forked.fastoffload(arguments, cwd, os.environ, LIMIT_SECONDS)
        return subprocess.run(
            [*prefix, *FASTOFFLOAD, *arguments],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Returns when a condition holds; fails the test when it does not within the limit."""

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT_SECONDS
        while not condition():
            assert time.monotonic() < end, "the condition never held"
            time.sleep(0.01)

    return wait


def namespace_of_its_own(kind: str) -> list[str]:
    """A command prefix; the test is skipped where the kernel lets nobody have one."""
    prefix = ["unshare", "--user", "--map-root-user", f"--{kind}"]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip(f"this machine lets nobody make a {kind} namespace of their own")
    return prefix


@pytest.fixture
def private_mounts() -> list[str]:
    """A command prefix: what follows runs as root of mounts of its own."""
    return namespace_of_its_own("mount")


@pytest.fixture
def without_privileges() -> list[str]:
    """A command prefix: what follows obeys permissions, even when the tests run as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root ignores permissions, and there is no setpriv to give that up")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of the tests have in common."""
    mine = tmp_path_factory.getbasetemp()
    root = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "shared"
    root.mkdir(exist_ok=True)
    return root


@pytest.fixture(scope="session")
def rendered(shared: Path) -> Rendered:
    """Gives the project `demo` of a variant, not installed: one for all tests, to be read only."""

    def render(variant: str) -> Path:
        folder = shared / "rendered" / variant
        with making(folder) as is_new:
            if is_new:
                options = (*VARIANTS[variant], "--no-install", "--no-git")
                command = [*FASTOFFLOAD, "new", str(folder / "demo"), *options]
                subprocess.run(command, check=True, capture_output=True)
        return folder / "demo"

    return render


@pytest.fixture(scope="session")
def workshop(shared: Path) -> Workshop:
    """A checkout with releases of its own: one for all tests, which leave it as it is."""
    return Workshop(shared / "workshop")


@pytest.fixture
def no_network() -> list[str]:
    """A command prefix: what follows has no network interface that is up."""
    return namespace_of_its_own("net")
