"""`fastoffload doctor` as it is called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BLOCKED = """
import time
from fastapi import FastAPI
app = FastAPI()
@app.get("/slow")
async def slow():
    time.sleep(1)
@app.get("/file")
async def file():
    open("x")
"""
CLEAN = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def root(): ...\n"


def doctor(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastoffload", "doctor", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(BLOCKED)
    return tmp_path


def test_help_has_an_example(tmp_path: Path) -> None:
    assert "Example: fastoffload doctor" in doctor(tmp_path, "--help").stdout


def test_findings_are_told_with_their_remedy_and_exit_1(project: Path) -> None:
    result = doctor(project)

    assert result.returncode == 1
    assert "GET /slow  time.sleep waits, by reading  main.py:7" in result.stdout
    assert "make it a plain `def`" in result.stdout
    assert "open" not in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Followed: 2 async routes. Not judged:")


def test_files_are_folded_away_unless_asked_for(project: Path) -> None:
    (project / "main.py").write_text(BLOCKED.replace("time.sleep(1)", "..."))

    assert doctor(project).returncode == 0
    assert "Access to files in 1 place: see them with --files." in doctor(project).stdout
    assert "GET /file  open files, by reading" in doctor(project, "--files").stdout
    assert doctor(project, "--files").returncode == 1


def test_nothing_found_is_clean_and_exit_0(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CLEAN)
    result = doctor(tmp_path)

    assert result.returncode == 0
    assert "Clean: nothing found" in result.stdout


def test_never_clean_if_a_file_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CLEAN.replace("...", "\n    other.f()") + "import other\n")
    (tmp_path / "other.py").write_text("def (:\n")
    result = doctor(tmp_path)

    assert result.returncode == 2
    assert "Clean" not in result.stdout
    assert "Nothing found in what could be read" in result.stdout
    assert "1 file that could not be read" in result.stdout
    assert "(other.py: line 1, invalid syntax)" in result.stdout


def test_the_only_file_that_cannot_be_read_is_no_clean_application(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(f"{CLEAN}def (:\n")
    result = doctor(tmp_path)

    assert result.returncode == 2
    assert "Clean" not in result.stdout
    assert "(main.py: line 5, invalid syntax)" in result.stdout
    assert json.loads(doctor(tmp_path, "--json").stdout)["unread"] == [
        {"name": "main.py", "why": "line 5, invalid syntax"}
    ]


def test_findings_beside_a_file_that_cannot_be_read_are_findings(project: Path) -> None:
    (project / "other.py").write_text(f"{CLEAN}def (:\n")
    assert doctor(project).returncode == 1


def test_an_application_of_plain_functions_is_clean(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CLEAN.replace("async ", ""))
    result = doctor(tmp_path)

    assert result.returncode == 0
    assert "Clean: nothing but plain `def`, which FastAPI runs in threads" in result.stdout


def test_json_is_one_document(project: Path) -> None:
    document = json.loads(doctor(project, "--json").stdout)

    (finding,) = document["findings"]
    assert finding["entry"] == "GET /slow"
    assert finding["place"] == {"file": "main.py", "line": 7}
    assert finding["remedy"]["action"] == "def"
    assert len(document["files"]) == 1
    assert document["unread"] == []


def test_with_a_baseline_only_new_findings_fail_even_after_lines_moved(project: Path) -> None:
    baseline = project / "baseline.json"
    baseline.write_text(doctor(project, "--json").stdout)
    (project / "main.py").write_text(f"# one more line\n{BLOCKED}")
    result = doctor(project, "--baseline", str(baseline))
    assert result.returncode == 0
    assert result.stdout.startswith("Nothing new: 1 finding that the baseline has; ")

    (project / "main.py").write_text(
        f"{BLOCKED}@app.get('/new')\nasync def new():\n    time.sleep(1)\n"
    )
    result = doctor(project, "--baseline", str(baseline))
    assert result.returncode == 1
    assert "GET /new" in result.stdout
    assert "GET /slow" not in result.stdout


def test_a_baseline_knows_access_to_files_as_well(project: Path) -> None:
    baseline = project / "baseline.json"
    baseline.write_text(doctor(project, "--json").stdout)

    assert doctor(project, "--files", "--baseline", str(baseline)).returncode == 0
    (project / "main.py").write_text(f"{BLOCKED}@app.get('/n')\nasync def n():\n    open('y')\n")
    assert "GET /n  open" in doctor(project, "--files", "--baseline", str(baseline)).stdout


@pytest.mark.parametrize("text", [None, "{}", "no json"])
def test_a_baseline_that_is_none_is_named(project: Path, text: str | None) -> None:
    if text is not None:
        (project / "b.json").write_text(text)
    result = doctor(project, "--baseline", "b.json")

    assert result.returncode == 2
    assert "b.json" in result.stderr
    assert "fastoffload doctor --json > b.json" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_sarif_names_rule_place_and_fingerprint(project: Path) -> None:
    doctor(project, "--sarif", "out.sarif")
    document = json.loads((project / "out.sarif").read_text())

    (run,) = document["runs"]
    (result,) = run["results"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    place = result["locations"][0]["physicalLocation"]
    assert document["version"] == "2.1.0"
    assert result["ruleId"] in rules
    assert place["artifactLocation"]["uri"] == "main.py"
    assert place["region"]["startLine"] == 7
    assert result["partialFingerprints"]
    assert "GET /slow" in result["message"]["text"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "imports FastAPI"),
        ({"main.py": "print()\n"}, "imports FastAPI"),
        (None, "is no folder"),
    ],
)
def test_what_is_no_application_is_one_line(
    tmp_path: Path, files: dict[str, str] | None, said: str
) -> None:
    for name, text in (files or {}).items():
        (tmp_path / name).write_text(text)
    options = [] if files is not None else [str(tmp_path / "none")]
    command = [sys.executable, "-m", "fastoffload", "doctor", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert result.returncode == 2
    assert said in result.stderr.splitlines()[-1]
