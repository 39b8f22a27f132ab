"""Short real runs of `bench`. What is asserted holds by structure, whatever the machine does."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import FASTOFFLOAD, names_in

pytestmark = pytest.mark.xdist_group("bench")

VARIANTS = "executor-process,dramatiq-redis"
SHORT = ("--rounds", "1", "--seconds", "800")  # as short as may be, as long as it must
LIMIT_SECONDS = 900
BENCH = (*FASTOFFLOAD, "bench")


def left_in(folder: Path) -> list[str]:
    """What a bench left: uv keeps lock files of its own."""
    return [name for name in names_in(folder) if not name.startswith("uv-")]


def users_of(folder: Path) -> list[str]:
    """The commands of the processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def own_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder for everything temporary, and the environment that says so."""
    folder = tmp_path_factory.mktemp("temporary")
    return folder, os.environ | {"TMPDIR": str(folder)}


def run_bench(*options: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What comes of a `bench` without a terminal."""
    return subprocess.run(
        [*BENCH, *options],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, Path]:
    """The document of a run, the folder of its files, and that of what was temporary."""
    temporary, environment = own_folder(tmp_path_factory)
    folder = tmp_path_factory.mktemp("bench")
    files = ("--html", "page.html", "--svg", "chart.svg")
    options = ("--variants", VARIANTS, *SHORT, "--json")
    done = run_bench(*options, *files, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), folder, temporary


def ways(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {way["name"]: way["figures"] for way in document["ways"]}


def test_every_figure_is_there(bench: tuple[dict[str, Any], Path, Path]) -> None:
    document, _, _ = bench
    found = ways(document)
    assert {"executor-process", "dramatiq-redis", "blocking in async def"} <= found.keys()
    for figures in found.values():
        assert all(f["low"] <= f["median"] <= f["high"] for f in figures.values())
        assert 0 < figures["idle_p50"]["median"] <= figures["idle_max"]["median"]
        assert figures["jobs_per_second"]["median"] > 0
        assert figures["api_own_mb"]["median"] <= figures["api_mb"]["median"]
        assert "late_max" in figures
    assert "worker_mb" in found["dramatiq-redis"]
    assert "worker_mb" not in found["executor-process"]
    assert document["bare_pool"]["median"] > 0
    assert document["machine"]["cores"] >= 1


def test_the_blocking_way_blocks_and_the_others_do_not(
    bench: tuple[dict[str, Any], Path, Path],
) -> None:
    found = ways(bench[0])
    blocked = found.pop("blocking in async def")
    # The answer to a question comes when the job is over that holds the loop.
    assert blocked["loaded_p50"]["median"] > blocked["idle_p50"]["median"]
    assert blocked["submit_p50"]["median"] > 1000 * blocked["alone_seconds"]["median"] / 2
    for name in VARIANTS.split(","):
        # Not the longest, which a busy machine makes.
        assert found[name]["loaded_p50"]["median"] < blocked["loaded_p50"]["median"]


def test_what_is_killed_loses_nothing_that_was_accepted(
    bench: tuple[dict[str, Any], Path, Path],
) -> None:
    losses = {(loss["way"], loss["killed"]): loss for loss in bench[0]["losses"]}
    parts = {("executor-process", "server")}
    parts |= {("dramatiq-redis", part) for part in ("server", "worker", "broker")}
    assert parts <= losses.keys(), bench[0]["left_out"]
    for loss in losses.values():
        assert loss["accepted"] + loss["unanswered"] == loss["asked"]
        assert loss["succeeded"] + loss["lost"] == loss["accepted"]
    for part in parts:
        assert losses[part]["lost"] == losses[part]["unanswered"] == 0
    # Two ran when their processes were killed; when the server goes, workers go on.
    assert losses["executor-process", "server"]["ran_again"] > 0
    assert losses["dramatiq-redis", "worker"]["ran_again"] > 0
    assert losses["dramatiq-redis", "server"]["ran_again"] == 0
    blocked = losses["blocking in async def", "server"]
    assert blocked["unanswered"] > 0


def test_what_else_is_measured(bench: tuple[dict[str, Any], Path, Path]) -> None:
    document, _, _ = bench
    found, workers = ways(document), document["work"]["workers"]
    assert document["left_out"] == []
    assert "def route" in found
    assert workers == 1 or f"blocking in async def, --workers {workers}" in found
    pace = document["engines"]["dramatiq"]
    assert 0 < pace["ours"] < pace["bare"]


def test_the_files_are_complete_and_load_nothing(
    bench: tuple[dict[str, Any], Path, Path],
) -> None:
    _, folder, _ = bench
    assert names_in(folder) == ["chart.svg", "page.html"]
    page = (folder / "page.html").read_text()
    assert page.endswith("</html>\n")
    assert "<script" not in page
    assert page.count("http") == page.count("http://www.w3.org/2000/svg")
    assert page.count("<tr>") > len(bench[0]["ways"])
    assert (folder / "chart.svg").read_text().count('class="range"') == 3 * len(bench[0]["ways"])


def test_nothing_is_left(bench: tuple[dict[str, Any], Path, Path]) -> None:
    _, _, temporary = bench
    assert left_in(temporary) == []
    assert users_of(temporary) == []


def test_an_interrupted_one_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    temporary, environment = own_folder(tmp_path_factory)
    with subprocess.Popen(
        [*BENCH, "--variants", "background"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        wait_until(lambda: any("uvicorn" in user for user in users_of(temporary)))
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 130
    assert output == ""
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert left_in(temporary) == []
    wait_until(lambda: users_of(temporary) == [])


def test_a_function_that_raises_ends_it_in_one_line(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    temporary, environment = own_folder(tmp_path_factory)
    folder = tmp_path_factory.mktemp("own")
    (folder / "work.py").write_text(
        "import sortedcontainers as s\n\ndef work(v):\n    raise ValueError(len(s.SortedList(v)))\n"
    )
    options = ("--variants", "background", "--compute", "work.py:work")
    without = run_bench(*options, cwd=folder, env=environment)
    assert without.returncode == 1
    assert "No module named 'sortedcontainers'" in without.stderr.splitlines()[-1]
    done = run_bench(*options, "--with", "sortedcontainers", cwd=folder, env=environment)
    assert done.returncode == 1
    assert "--compute work.py:work: ValueError: 100" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert left_in(temporary) == []


def test_what_there_is_no_time_for_is_said(tmp_path: Path) -> None:
    done = run_bench(
        *("--variants", "background", "--seconds", "30"),
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("Warning: left out: ")]
    # A machine may be too slow for anything at all.
    assert said or done.returncode == 1, done.stderr
    assert left_in(tmp_path) == []
