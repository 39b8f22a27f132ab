import json

import pytest
from conftest import Cli

from fastoffload.strategies import STRATEGIES, available_strategies


def test_every_record_is_found_by_its_name() -> None:
    assert [strategy.name for strategy in STRATEGIES.values()] == list(STRATEGIES)
    assert list(STRATEGIES) == ["background", "executor", "celery", "dramatiq"]


def test_new_offers_what_is_built() -> None:
    assert [strategy.name for strategy in available_strategies()] == ["background", "executor"]


def test_the_table_fits_80_columns(cli: Cli) -> None:
    result = cli("strategies", env={"COLUMNS": "80"})
    assert result.returncode == 0
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "…" not in result.stdout
    for name in STRATEGIES:
        assert name in result.stdout
    assert result.stdout.count("not available yet") == 2
    assert "share the GIL" in result.stdout


def test_json_is_one_document(cli: Cli) -> None:
    result = cli("strategies", "--json")
    assert result.stderr == ""
    records = json.loads(result.stdout)
    assert {record["name"]: record["available"] for record in records} == {
        "background": True,
        "executor": True,
        "celery": False,
        "dramatiq": False,
    }


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_every_strategy_says_what_speaks_for_and_against_it(strategy: object) -> None:
    for field in ("summary", "reason", "needs", "survives", "take_it", "leave_it"):
        assert getattr(strategy, field)
