"""Each path of the data file is one that reading really comes to."""

import re
from pathlib import Path

import pytest

from fastoffload.doctor.blocking import Catalog
from fastoffload.doctor.reading.read import read

CATALOG = Catalog()
LOOPS = ("loop over range", "loop on the clock")


def an_example(pattern: str) -> str:
    """A path that the pattern means: a name for each star."""
    path = pattern.replace(")**.", ").a.").replace("**", "a").replace("*", "a")
    return re.sub(r"\ba(?=\()", "A", path)


NAMES = sorted(name for name, paths in CATALOG.patterns.items() if not {*paths} & {*LOOPS})


@pytest.mark.parametrize("name", NAMES)
def test_calls_of_a_library_are_found_where_they_stand(name: str, tmp_path: Path) -> None:
    paths = [
        path
        for pattern in CATALOG.patterns[name]
        if CATALOG.blocking(path := CATALOG.canonical(an_example(pattern)))
    ]
    lines = ["from fastapi import FastAPI", "app = FastAPI()"]
    heads = {re.split(r"[.(\[]", path)[0] for path in paths} - {"open", "input"}
    lines += [f"import {head}" for head in sorted(heads)]
    for number, path in enumerate(paths):
        call = path.replace("[]", "[0]")
        lines += [f"@app.get('/{number}')", f"async def route{number}():", f"    {call}()"]
    (tmp_path / "main.py").write_text("\n".join(lines))

    report = read(tmp_path)

    entries = {finding.entry for finding in [*report.findings, *report.files]}
    missed = [path for number, path in enumerate(paths) if f"GET /{number}" not in entries]
    assert not missed
    assert len(paths) >= len(CATALOG.patterns[name]) / 2
