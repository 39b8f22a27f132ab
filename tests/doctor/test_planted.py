"""Applications with planted blocks and near misses: what is found of them."""

from fnmatch import fnmatchcase

import pytest

from doctor.marks import PLANTED, score
from fastoffload.doctor.blocking import Catalog

APPLICATIONS = sorted(folder.name for folder in PLANTED.iterdir())
LEAST = 0.9


@pytest.mark.parametrize("name", APPLICATIONS)
def test_finds_what_is_planted_and_nothing_near_it(name: str) -> None:
    found = score(PLANTED / name)

    assert found.recall >= LEAST, found.missed
    assert found.precision >= LEAST, found.false
    assert len(found.near_misses) >= len(found.planted) / 2


def bare(path: str) -> str:
    return path.replace("()", "").replace("[]", "").replace(".**.", ".*")


def test_every_entry_of_the_data_file_is_planted() -> None:
    calls = {call for name in APPLICATIONS for call in score(PLANTED / name).calls}

    planted = {
        name
        for name, patterns in Catalog().patterns.items()
        if any(fnmatchcase(call, bare(pattern)) for pattern in patterns for call in calls)
    }

    assert planted == set(Catalog().libraries)
