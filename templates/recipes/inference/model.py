"""The model: loaded once in each process that runs such jobs, by the first of them."""

from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from onnxruntime import (  # type: ignore[import-untyped]
    InferenceSession,
    SessionOptions,
    get_available_providers,
)
from pydantic import Field
from pydantic_settings import BaseSettings

from app.offload.settings import CONFIG, load

Numbers = NDArray[np.float32]

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")  # the first that is there
_loading = Lock()


class ModelSettings(BaseSettings):
    """Read from the environment or from `.env`."""

    model_config = CONFIG

    job_name_model: Path = Path(__file__).with_name("model.onnx")
    # Of a process. As many run as there are cores, so with more they would take turns.
    job_name_threads: int = Field(default=1, gt=0)


class Model:
    """Rows of numbers in, probabilities of classes out; any thread may ask it."""

    def __init__(self, path: Path, threads: int) -> None:
        """Raises ValueError when the file does not say what its columns and classes are."""
        options = SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Threads that have nothing to do sleep: by default they spin, on the cores of others.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = [name for name in PROVIDERS if name in get_available_providers()]
        self._session = InferenceSession(path, options, providers=providers)
        self._input = self._session.get_inputs()[0].name
        told: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        if not {"features", "classes"} <= told.keys():
            raise ValueError(f"{path} has no metadata 'features' and 'classes'; see README.md")
        self.features = told["features"].split(",")
        self.classes = told["classes"].split(",")

    def predict(self, rows: Numbers) -> Numbers:
        """For each row, the probabilities of the classes."""
        probabilities: Numbers = self._session.run(None, {self._input: rows})[0]
        return probabilities


def get_model() -> Model:
    """The model of this process. Threads that come while it is loaded wait for it."""
    with _loading:
        return _load()


@lru_cache
def _load() -> Model:
    settings = load(ModelSettings)
    return Model(
        settings.job_name_model,
        settings.job_name_threads,
    )
