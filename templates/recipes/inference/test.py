"""Predictions against those of the library that the model was fitted with."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.jobs.job_name import model
from app.jobs.job_name.kind import KIND
from app.offload import Refused
from app.offload.errors import Interrupted
from app.offload.testing import Outcome, run_directly

FOLDER = Path(model.__file__).parent
IRISES = (FOLDER / "irises.csv").read_bytes()
HEADER, *LINES = IRISES.splitlines(keepends=True)
CLASSES = ["setosa", "versicolor", "virginica"]
# By line of irises.csv: what LogisticRegression.predict_proba of scikit-learn 1.9.1 says.
BY_SCIKIT_LEARN = {
    0: (0.981584, 0.018416, 0.0),
    14: (0.988014, 0.011986, 0.0),
    50: (0.002127, 0.873957, 0.123917),
    70: (0.00231, 0.440081, 0.557609),
    83: (0.00045, 0.349706, 0.649844),
    106: (0.005779, 0.513693, 0.480528),
    118: (0.0, 0.001, 0.999),
    133: (0.000529, 0.475566, 0.523905),
    149: (0.000476, 0.234848, 0.764676),
}


@pytest.fixture(autouse=True)
def not_loaded() -> Iterator[None]:
    """Each test begins in a process that has no model yet."""
    model._load.cache_clear()
    yield
    model._load.cache_clear()


def run(content: bytes, batch_size: int = 1_000) -> Outcome[KIND.result]:
    """What comes of a table."""
    params = KIND.params(batch_size=batch_size)
    outcome = run_directly(KIND, params, files={"rows": content})
    assert list(outcome.artifacts) == ["predictions.csv"]
    assert outcome.progress == sorted(outcome.progress) and outcome.progress[-1] == 1
    return outcome


def predictions(outcome: Outcome[KIND.result]) -> list[dict[str, str]]:
    """The rows of the artifact."""
    return list(csv.DictReader(outcome.artifacts["predictions.csv"].decode().splitlines()))


def thread_ids() -> set[int]:
    """The threads of this process, those of C code too."""
    return {thread.id for thread in psutil.Process().threads()}


def test_predictions_are_those_of_scikit_learn() -> None:
    outcome = run(IRISES)
    found = predictions(outcome)
    assert len(found) == outcome.result.rows == len(LINES) == 150
    for line, expected in BY_SCIKIT_LEARN.items():
        probabilities = [float(found[line][name]) for name in CLASSES]
        assert probabilities == pytest.approx(expected, abs=2e-6), line
        assert found[line]["class"] == CLASSES[expected.index(max(expected))], line
    given = [row["class"] for row in found]
    assert outcome.result.classes == {name: given.count(name) for name in CLASSES}
    wrong = sum(row["class"] not in line.decode() for row, line in zip(found, LINES, strict=True))
    assert wrong == 4  # 97.3 % are right: the model's own score on what it has seen


@pytest.mark.parametrize("batch_size", [1, 7, 150])
def test_the_size_of_a_batch_changes_nothing_but_the_steps(batch_size: int) -> None:
    outcome = run(IRISES, batch_size)
    assert outcome.artifacts == run(IRISES).artifacts
    assert len(outcome.progress) == -(-150 // batch_size) + 1


def test_columns_may_stand_in_any_order_with_others_between() -> None:
    turned = [b",".join(reversed(line.strip().split(b","))) for line in (HEADER, *LINES)]
    outcome = run(b"\r\n".join(turned) + b"\r\n\r\n")
    assert outcome.artifacts == run(IRISES).artifacts


def test_a_table_that_a_spreadsheet_has_saved_is_read() -> None:
    assert run(b"\xef\xbb\xbf" + IRISES).artifacts == run(IRISES).artifacts


def test_many_rows_take_many_batches() -> None:
    outcome = run(HEADER + b"".join(LINES) * 40)
    assert (outcome.result.rows, len(outcome.progress)) == (6_000, 7)


def test_threads_share_a_model_that_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []

    class Counted(model.InferenceSession):
        def __init__(self, *args: Any, **options: Any) -> None:
            loaded.append(self)
            super().__init__(*args, **options)

    monkeypatch.setattr(model, "InferenceSession", Counted)
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: run(IRISES, 10), range(8)))
    assert all(outcome.artifacts == outcomes[0].artifacts for outcome in outcomes)
    assert len(loaded) == 1


def test_a_process_computes_on_as_many_threads_as_the_setting_says() -> None:
    before = thread_ids()
    one = model.Model(FOLDER / "model.onnx", threads=1)
    assert thread_ids() <= before
    three = model.Model(FOLDER / "model.onnx", threads=3)
    assert len(thread_ids() - before) == 2  # and the one that asks
    assert one.classes == three.classes


def test_another_model_is_taken_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.onnx"
    content = (FOLDER / "model.onnx").read_bytes()
    other.write_bytes(content.replace(b"setosa", b"spring"))
    monkeypatch.setenv("job_name_model", str(other))
    assert predictions(run(IRISES))[0]["class"] == "spring"


def test_a_model_that_does_not_name_its_columns_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.onnx"
    content = (FOLDER / "model.onnx").read_bytes()
    other.write_bytes(content.replace(b"features", b"whatever"))
    monkeypatch.setenv("job_name_model", str(other))
    with pytest.raises(ValueError, match=r"other\.onnx has no metadata 'features'"):
        run(IRISES)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The first line has no column sepal_length"),
        (b"sepal_length;sepal_width\n1;2\n", "no column sepal_length.*commas between"),
        (HEADER, "The file has no rows."),
        (HEADER + LINES[0] + b"1,2,x,4\n", "Row 3, petal_length: 'x' is no number"),
        (HEADER + b"1,2,,4\n", "Row 2, petal_length: '' is no number"),
        (HEADER + b"1,2\n", "Row 2, petal_length: '' is no number"),
        (HEADER + b"1,2,nan,4\n", "'nan' is no number"),
        (HEADER + b"1,2,1e39,4\n", "'1e39' is no number"),
        (HEADER + b'1,2,"3\n', "is no CSV"),
        (HEADER + b"1,2,\xff,4\n", "is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "is not UTF-8"),
    ],
)
def test_what_is_no_such_table_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        run(content)
    assert "\n" not in str(refused.value)


def test_a_stop_is_heeded_between_batches() -> None:
    params = KIND.params(batch_size=10)
    with pytest.raises(Interrupted):
        run_directly(KIND, params, files={"rows": IRISES}, stop_after=3)


def test_the_api_loads_no_model() -> None:
    program = f"import sys, {KIND.params.__module__}; sys.exit('onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)
