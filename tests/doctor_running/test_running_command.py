"""`fastoffload doctor --run` as it is called."""

import json
import re
from pathlib import Path

import pytest
from conftest import Cli

from doctor_running.conftest import Project, is_told, stands

pytestmark = pytest.mark.xdist_group("doctor_running")

MAIN = """
import asyncio
import time
from fastapi import BackgroundTasks, FastAPI
from stands import stands
app = FastAPI()

async def crunch():
    await asyncio.sleep(0)
    begin = time.thread_time()
    while time.thread_time() < begin + 2:
        pass

@app.get("/slow")
async def slow():
    stands()
    time.sleep(0.4)

@app.post("/compute")
async def compute(tasks: BackgroundTasks):
    tasks.add_task(crunch)

@app.get("/a/{name}")
@app.get("/b/{name}")
@app.get("/c/{name}")
@app.get("/d/{name}")
async def nothing(name: str, limit: int = 1):
    raise ValueError
"""
CLEAN = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def root(): ...\n"


def test_findings_come_with_seconds_and_remedy_the_most_expensive_first(
    cli: Cli, python: Path, project: Project, tmp_path: Path
) -> None:
    measured = tmp_path / "measured"
    root = project({"main.py": MAIN, "stands.py": stands(measured)})
    options = ["--run", "--python", str(python)]
    result = cli(
        "doctor", str(root), *options, "--method", "get", "--method", "post", "--sarif", "out.sarif"
    )
    assert result.returncode == 1
    first, through, job, _, second, plain, *_, verdict, last = result.stdout.splitlines()
    assert first.startswith("background task crunch  main.crunch computes in Python, ")
    assert through == "    POST /compute > crunch"
    assert "`fastoffload add crunch`" in job
    assert "`fastoffload new PATH --strategy executor --pool process`" in job
    told = re.fullmatch(r"GET /slow  time\.sleep waits, (\S+) s  main\.py:17", second)
    assert told
    assert is_told(float(told[1]), measured)
    assert "make it a plain `def`" in plain
    assert verdict.startswith("2 places hold the event loop, reached from 2 entries; ")
    assert "Not judged: 4 answered 500 (GET /" in last
    assert "and 1 more); " in last

    sarif = json.loads((root.parent / "out.sarif").read_text())
    assert len(sarif["runs"][0]["results"]) == 2


def test_a_baseline_leaves_new_findings_only(
    cli: Cli, python: Path, project: Project, tmp_path: Path
) -> None:
    root = project({"main.py": MAIN, "stands.py": stands(tmp_path / "measured")})
    options = ["doctor", str(root), "--run", "--app", "main:app", "--python", str(python)]
    known = cli(*options, "--json")
    document = json.loads(known.stdout)
    assert [finding["entry"] for finding in document["findings"]] == ["GET /slow"]
    assert document["requests"] > 0
    (root.parent / "known.json").write_text(known.stdout)

    result = cli(*options, "--baseline", "known.json")
    assert result.returncode == 0
    assert result.stdout.startswith("Nothing new: 1 finding that the baseline has; ")
    assert "1 not asked without --method POST (POST /compute)" in result.stdout.splitlines()[-1]


def test_headers_limit_and_a_server_that_is_not_copied(
    cli: Cli, python: Path, project: Project
) -> None:
    guarded = CLEAN.replace("root(): ...", "root(request: Request):\n    look(request)\n").replace(
        "import FastAPI", "import FastAPI, HTTPException, Request"
    )
    guarded += "def look(request):\n    import time\n    time.sleep(0.4)\n"
    guarded += "    if request.headers.get('x-key') != 'a:b':\n        raise HTTPException(401)\n"
    root = project({"main.py": guarded, ".env": "DATABASE_URL=postgresql://me:secret@db/x\n"})
    options = ["doctor", str(root), "--run", "--python", str(python), "--limit", "2"]
    result = cli(*options, "--header", "X-Key: a:b")
    assert result.returncode == 0
    assert "held the event loop for longer than 2 s; 3 requests" in result.stdout
    assert "Warning: DATABASE_URL names a server" in result.stderr
    assert "secret" not in result.stderr


def test_a_run_in_which_nothing_could_be_asked_is_no_success(
    cli: Cli, python: Path, project: Project
) -> None:
    root = project({"main.py": CLEAN})
    result = cli("doctor", str(root), "--run", "--python", str(python), "--method", "PUT")
    assert result.returncode == 2
    assert result.stdout.startswith("Nothing was asked, so that nothing is known; 0 requests.")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--run", "--app", "nowhere:app"], 2, "there is no module nowhere; name the application"),
        (["--run", "--app", "main:api"], 2, "main has no api; name the application: --app"),
        (["--run", "--app", "main"], 2, "give it as --app module:name"),
        (["--run", "--app", "needs:app"], 2, "KeyError: 'SHOP_KEY'; what it needs of the envir"),
        (["--app", "main:app"], 2, "--app needs --run beside it"),
        (["--run", "--header", "x"], 2, "'x' is no header; give it as 'Name: value'"),
        (["--run", "--method", "gte"], 2, "unknown method 'gte'; --method takes one of: GET"),
        (["--run", "--limit", "0"], 2, "'--limit'"),
    ],
)
def test_what_cannot_work_is_one_line(
    cli: Cli, python: Path, project: Project, options: list[str], code: int, said: str
) -> None:
    root = project({"main.py": CLEAN, "needs.py": "import os\nos.environ['SHOP_KEY']\n"})
    given = ["--python", str(python)] if "--run" in options else []
    result = cli("doctor", str(root), *options, *given)
    assert (result.returncode, result.stdout) == (code, "")
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert said in line
    assert result.stderr.splitlines()[-1] == line


def test_attach_prints_the_line_and_looks_at_nothing(cli: Cli) -> None:
    result = cli("doctor", "nowhere", "--attach")
    assert result.returncode == 0
    assert "app.add_middleware(BlockingWatch)" in result.stdout
