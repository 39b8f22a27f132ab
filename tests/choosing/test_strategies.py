import json
import re

import pytest
from conftest import Cli

from fastoffload.catalog import STRATEGIES
from fastoffload.choosing.questions_of_new import QUESTIONS


def test_every_record_is_found_by_its_name() -> None:
    assert [strategy.name for strategy in STRATEGIES.values()] == list(STRATEGIES)


def test_every_option_has_a_question_and_variants() -> None:
    for strategy in STRATEGIES.values():
        assert bool(strategy.option) == bool(strategy.variants)
    assert {strategy.option for strategy in STRATEGIES.values()} == {None, *QUESTIONS}


def test_the_table_fits_80_columns(cli: Cli) -> None:
    result = cli("strategies", env={"COLUMNS": "80"})
    assert result.returncode == 0
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "…" not in result.stdout
    for strategy in STRATEGIES.values():
        assert strategy.name in result.stdout
        for variant in strategy.variants:
            assert re.search(rf"--{strategy.option} .* {variant.name}: ", result.stdout)
    assert "share the GIL" in result.stdout


def test_questions_fit_80_columns() -> None:
    for records in (STRATEGIES.values(), *(taker.variants for taker in STRATEGIES.values())):
        width = max((len(record.name) for record in records), default=0)
        for record in records:
            # a mark of three columns before, two between; a full line would wrap
            assert 3 + width + 2 + len(record.reason) < 80


def test_json_is_one_document(cli: Cli) -> None:
    result = cli("strategies", "--json")
    assert result.stderr == ""
    records = json.loads(result.stdout)
    assert {
        record["name"]: (record["option"], [variant["name"] for variant in record["variants"]])
        for record in records
    } == {
        strategy.name: (strategy.option, [variant.name for variant in strategy.variants])
        for strategy in STRATEGIES.values()
    }


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_every_strategy_says_what_speaks_for_and_against_it(strategy: object) -> None:
    for field in ("summary", "reason", "needs", "survives", "take_it", "leave_it"):
        assert getattr(strategy, field)
