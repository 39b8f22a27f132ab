import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Cli
from workshop import CHECKOUT

from fastoffload.catalog import STRATEGIES
from fastoffload.choosing.questions_of_choose import OPTIONS, QUESTIONS
from fastoffload.choosing.rules import RULES, first_match, markdown
from fastoffload.choosing.workload import KINDS, LEVELS, Work

README = CHECKOUT / "README.md"
COMPUTES = Work(
    seconds=30,
    kind="python",
    must_survive="restart",
    machines=1,
    per_minute=2,
    brokers_ok=True,
    cores=2,
)
WAITS = replace(COMPUTES, kind="wait")
GPU = replace(COMPUTES, kind="gpu", cores=1, per_minute=1)
FLAGS = ("--seconds", "30", "--work", "python", "--must-survive", "crash", "--machines", "1")
FLAGS += ("--cores", "2")


def test_the_readme_shows_the_rules() -> None:
    assert markdown() in README.read_text()


def test_the_readme_shows_the_levels() -> None:
    text = README.read_text()
    for level, meaning in LEVELS.items():
        assert f"| `{level}` | {meaning} |" in text


@pytest.mark.parametrize(
    ("work", "options"),
    [
        (COMPUTES, "--strategy executor --pool process"),
        (replace(COMPUTES, must_survive="crash"), "--strategy executor --pool process"),
        (replace(COMPUTES, must_survive="deploy"), "--strategy dramatiq --broker redis"),
        (replace(COMPUTES, must_survive="machine"), "--strategy celery --broker rabbitmq"),
        (replace(COMPUTES, machines=3), "--strategy celery --broker redis"),
        (replace(COMPUTES, per_minute=30), "--strategy celery --broker redis"),
        (replace(COMPUTES, kind="native"), "--strategy executor --pool process"),
        (replace(COMPUTES, kind="native", per_minute=30), "--strategy celery --broker redis"),
        (replace(COMPUTES, per_minute=30, cores=32), "--strategy executor --pool process"),
        (replace(COMPUTES, kind="program"), "--strategy executor --pool thread"),
        (replace(COMPUTES, kind="program", per_minute=30), "--strategy celery --broker redis"),
        (
            replace(COMPUTES, kind="program", must_survive="crash"),
            "--strategy executor --pool process",
        ),
        (GPU, "--strategy executor --pool process"),
        (replace(GPU, per_minute=2), "--strategy celery --broker redis"),
        (replace(GPU, must_survive="deploy"), "--strategy dramatiq --broker redis"),
        (WAITS, "--strategy executor --pool thread"),
        (replace(WAITS, per_minute=300), "--strategy executor --pool thread"),
        (replace(WAITS, seconds=10), "--strategy background"),
        (replace(WAITS, must_survive="crash"), "--strategy executor --pool process"),
    ],
)
def test_the_first_rule_that_applies_answers(work: Work, options: str) -> None:
    rule = first_match(work)
    assert rule.is_answer
    assert rule.options == options


@pytest.mark.parametrize(
    "work",
    [
        replace(COMPUTES, machines=2, brokers_ok=False),
        replace(WAITS, must_survive="deploy", brokers_ok=False),
        replace(COMPUTES, per_minute=60, brokers_ok=False),
    ],
)
def test_what_nothing_can_do_is_said(work: Work) -> None:
    rule = first_match(work)
    assert not rule.is_answer
    assert "was asked for" in rule.will_not


def test_every_rule_can_be_met_and_names_a_strategy() -> None:
    works = [
        replace(
            COMPUTES,
            kind=kind,
            seconds=seconds,
            must_survive=level,
            machines=machines,
            brokers_ok=ok,
        )
        for kind in KINDS
        for seconds in (1, 30, 300)
        for level in LEVELS
        for machines in (1, 2)
        for ok in (True, False)
    ]
    assert {first_match(work).when for work in works} == {rule.when for rule in RULES}
    assert {rule.strategy for rule in RULES} == set(STRATEGIES)


def test_the_load_is_worked_out() -> None:
    assert COMPUTES.busy == 1
    assert COMPUTES.workers == 2
    assert "30 s x 2 a minute / 60 = 1 core busy" in COMPUTES.load_in_words
    assert COMPUTES.load_in_words.endswith("on 1 machine of 2 cores")
    assert "1 slot busy" in WAITS.load_in_words
    assert "machine" not in WAITS.load_in_words
    assert "0.5 GPUs busy" in GPU.load_in_words
    assert GPU.load_in_words.endswith("on 1 machine of 1 GPU")
    much = replace(COMPUTES, per_minute=30).load_in_words
    assert much.endswith("that takes 10 machines of 2 cores, not 1 machine")


def test_machines_that_nobody_named_are_no_reason(cli: Cli) -> None:
    done = cli("choose", *FLAGS, "--per-minute", "30", "--brokers-ok", "--json")
    answer = json.loads(done.stdout)
    assert answer["strategy"] == "celery"
    assert "several machines share" not in " ".join(answer["reasons"])
    assert "needs more cores (or GPUs) than one machine has" in answer["reasons"][0]
    assert "10 machines of 2 cores, not 1" in answer["load"]
    roomy = json.loads(
        cli(
            "choose", *FLAGS, "--per-minute", "30", "--cores", "64", "--brokers-ok", "--json"
        ).stdout
    )
    assert (roomy["strategy"], roomy["option"]) == ("executor", "process")


def test_nobody_is_judged_by_the_cores_of_this_machine(cli: Cli) -> None:
    given = [*FLAGS[:-2], "--per-minute", "2", "--brokers-ok"]
    done = cli("choose", *given)
    assert done.returncode == 2
    assert "not given: --cores;" in done.stderr
    waits = [one.replace("python", "wait") for one in given]
    assert cli("choose", *waits).returncode == 0


def test_every_kind_of_work_is_offered_and_documented(cli: Cli) -> None:
    for kind in KINDS:
        assert kind in cli("choose", "--help").stdout
        assert f"| `{kind}` | {KINDS[kind]} |" in README.read_text()


def test_every_description_has_a_question() -> None:
    assert list(QUESTIONS) == list(OPTIONS)


def test_the_answer_says_all_there_is_to_know(cli: Cli) -> None:
    done = cli("choose", *FLAGS, "--per-minute", "2", "--no-brokers")
    assert done.returncode == 0
    assert done.stderr == ""
    text = " ".join(done.stdout.split())
    for part in ("fastoffload new PATH --strategy executor --pool process", "fastoffload switch"):
        assert part in text
    for label in ("because", "survives", "load", "will not", "move on when"):
        assert label in text


def test_json(cli: Cli) -> None:
    done = cli("choose", *FLAGS, "--per-minute", "2", "--no-brokers", "--json")
    answer = json.loads(done.stdout)
    assert (answer["possible"], answer["strategy"], answer["option"]) == (
        True,
        "executor",
        "process",
    )


def test_without_a_terminal_what_is_missing_is_named(cli: Cli) -> None:
    done = cli("choose", *FLAGS)
    assert done.returncode == 2
    assert "--per-minute" in done.stderr
    assert "--brokers-ok or --no-brokers" in done.stderr
    assert "--seconds" not in done.stderr


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("--seconds", "0"), "--seconds 0"),
        (("--seconds", "nan"), "--seconds nan"),
        (("--seconds", "1e308"), "--seconds 1e+308"),
        (("--machines", "0"), "--machines 0"),
        (("--machines", "9" * 400), "1000000 at most"),
        (("--per-minute", "-1"), "--per-minute -1"),
        (("--per-minute", "1e308"), "--per-minute 1e+308"),
        (("--cores", "0"), "--cores 0"),
        (("--must-survive", "war"), "restart, crash, deploy, machine"),
        (("--must-survive", "crsh"), "did you mean 'crash'?"),
        (("--work", "numpy"), "python, native, program, gpu, wait"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(cli: Cli, given: tuple[str, ...], named: str) -> None:
    done = cli("choose", *FLAGS, "--per-minute", "2", "--no-brokers", *given)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1


Bench = Callable[..., Path]


@pytest.fixture
def bench_file(tmp_path: Path) -> Bench:
    """Writes what `bench --json` would print: per variant p99 of health, jobs/s and lost jobs."""

    def write(**variants: tuple[float, float, int]) -> Path:
        document = {
            "work": {"job_seconds": 0.5},
            "ways": [_way(name.replace("_", "-"), *found[:2]) for name, found in variants.items()],
            "losses": [
                {"way": name.replace("_", "-"), "lost": found[2]}
                for name, found in variants.items()
            ],
        }
        file = tmp_path / "bench.json"
        file.write_text(json.dumps(document))
        return file

    return write


def _way(name: str, loaded_p99: float, jobs_per_second: float) -> dict[str, object]:
    strategy, _, option = name.partition("-")
    figures = {"loaded_p99": loaded_p99, "jobs_per_second": jobs_per_second}
    return {
        "name": name,
        "strategy": strategy,
        "option": option or None,
        "kind": "variant",
        "figures": {figure: {"median": value} for figure, value in figures.items()},
    }


def _answer(cli: Cli, file: Path, *more: str) -> dict[str, object]:
    flags = ("--must-survive", "restart", "--machines", "1", "--per-minute", "60", "--brokers-ok")
    done = cli("choose", "--from-bench", str(file), *flags, *more, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_measurements_decide_and_are_named(cli: Cli, bench_file: Bench) -> None:
    file = bench_file(
        background=(90, 1.7, 0), executor_process=(7, 3.5, 0), celery_redis=(6, 3.6, 0)
    )
    answer = _answer(cli, file)
    assert (answer["strategy"], answer["option"]) == ("executor", "process")
    reasons = " ".join(answer["reasons"])  # type: ignore[call-overload]
    assert "background is out: under load its health p99 is 90 ms" in reasons
    assert "health p99 7 ms" in reasons


def test_where_threads_measure_as_well_the_fewest_parts_are_enough(
    cli: Cli, bench_file: Bench
) -> None:
    file = bench_file(background=(7, 3.5, 0), executor_process=(6, 3.5, 0))
    assert _answer(cli, file)["strategy"] == "background"
    assert _answer(cli, file, "--must-survive", "crash")["option"] == "process"


def test_who_lost_a_job_or_has_no_room_is_out(cli: Cli, bench_file: Bench) -> None:
    file = bench_file(background=(7, 1.0, 0), executor_process=(7, 3, 1), dramatiq_redis=(7, 3, 0))
    assert _answer(cli, file)["strategy"] == "dramatiq"


def test_more_than_one_machine_does_needs_a_queue(cli: Cli, bench_file: Bench) -> None:
    file = bench_file(executor_process=(7, 3, 0), celery_redis=(7, 3, 0))
    assert _answer(cli, file, "--per-minute", "600")["strategy"] == "celery"


@pytest.mark.parametrize(
    "asked", [("--per-minute", "1000"), ("--machines", "2"), ("--must-survive", "deploy")]
)
def test_no_measurement_makes_a_queue_of_what_may_have_no_broker(
    cli: Cli, bench_file: Bench, asked: tuple[str, str]
) -> None:
    file = bench_file(executor_process=(7, 3, 0), dramatiq_redis=(7, 3, 0))
    answer = _answer(cli, file, *asked, "--no-brokers")
    assert not answer["possible"]
    assert (answer["strategy"], answer["option"]) == ("executor", "process")
    assert answer["will_not"] == RULES[0].will_not
    assert ("16.67 jobs/s" in str(answer["reasons"])) == (asked[0] == "--per-minute")


@pytest.mark.parametrize("asked", [("--per-minute", "1000"), ("--machines", "3")])
def test_the_limits_on_several_machines_are_not_those_on_one(
    cli: Cli, bench_file: Bench, asked: tuple[str, str]
) -> None:
    file = bench_file(executor_process=(7, 3, 0), dramatiq_redis=(7, 3, 0))
    answer = _answer(cli, file, *asked, "--must-survive", "deploy")
    assert answer["strategy"] == "dramatiq"
    assert answer["will_not"] == first_match(replace(COMPUTES, machines=3)).will_not


def test_the_loss_of_a_machine_takes_a_broker_that_survives_it(cli: Cli, bench_file: Bench) -> None:
    lost = ("--must-survive", "machine", "--machines", "3")
    with_rabbitmq = bench_file(dramatiq_redis=(7, 3, 0), dramatiq_rabbitmq=(7, 3, 0))
    answer = _answer(cli, with_rabbitmq, *lost)
    assert (answer["strategy"], answer["option"]) == ("dramatiq", "rabbitmq")
    assert answer["will_not"] == first_match(replace(COMPUTES, must_survive="machine")).will_not


def test_where_nothing_measured_will_do_one_line_says_why(cli: Cli, bench_file: Bench) -> None:
    file = bench_file(executor_process=(7, 3, 1), dramatiq_redis=(7, 3, 0))
    asked = ("--must-survive", "machine", "--machines", "2", "--per-minute", "60", "--brokers-ok")
    done = cli("choose", "--from-bench", str(file), *asked)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    for part in ("it lost 1 accepted jobs", "its broker is on one machine", "measure more"):
        assert part in done.stderr


@pytest.mark.parametrize("content", ["", "[]", '{"ways": []}', '{"ways": 3, "losses": []}'])
def test_another_file_is_refused_in_one_line(cli: Cli, tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)
    done = cli("choose", "--from-bench", "other.json")
    assert done.returncode == 1
    assert "other.json is not what `fastoffload bench --json` prints" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert cli("choose", "--from-bench", "absent.json").returncode == 1
