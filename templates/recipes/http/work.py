"""How the calls are made. Loaded where jobs run, and nowhere else."""

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import requests

from app.offload import Run, TransientError

from .answers import Answer
from .calling import Body, CallFailed, CallFailedForNow, Pace, call
from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
)

AT_ONCE = 8
RESTS_SECONDS = (1, 3)  # before the second and the third try of a call
PATIENCE_SECONDS = 60  # who is to wait for longer gives the job back, and its thread to others
LOOK_SECONDS = 0.2


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Call each URL; keep what they answer, and tell of each what came of it."""
    urls, pace = [str(url) for url in params.urls], Pace(params.per_second)
    with calling(urls, pace) as calls:
        _wait_for_all(run, calls)
    if run.attempt < KIND.max_attempts:
        _give_back(calls)
    answers = [_told(url, future) for url, future in zip(urls, calls, strict=True)]
    run.keep("answers.jsonl", _write(run.folder / "answers", urls, calls), "application/x-ndjson")
    failed = sum(answer.error is not None for answer in answers)
    return JobNameResult(
        succeeded=len(answers) - failed,
        failed=failed,
        answers=answers,
    )


@contextmanager
def calling(urls: Sequence[str], pace: Pace) -> Iterator[list[Future[Body]]]:
    """The calls, under way. When the block ends, no other begins, and nobody waits for the rest."""
    stopped, own = threading.Event(), threading.local()

    def begin() -> None:
        own.session = requests.Session()  # not to be shared by threads
        own.session.trust_env = False  # no proxy, and no password from ~/.netrc, that nobody named

    def one(url: str) -> Body:
        return _call(own.session, url, pace, stopped)

    pool = ThreadPoolExecutor(AT_ONCE, initializer=begin)
    try:
        yield [pool.submit(one, url) for url in urls]
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _call(session: requests.Session, url: str, pace: Pace, stopped: threading.Event) -> Body:
    """Try a few times. Raises CallFailed."""
    for rest_seconds in RESTS_SECONDS:
        pace.wait(stopped)
        try:
            return call(session, url)
        except CallFailedForNow as error:
            if stopped.is_set() or error.wait_seconds > PATIENCE_SECONDS:
                raise
            pace.hold(error.wait_seconds)  # for everybody: the service has asked for it
            stopped.wait(rest_seconds)
    pace.wait(stopped)
    return call(session, url)


def _wait_for_all(run: Run, calls: Sequence[Future[Body]]) -> None:
    pending = set(calls)
    while pending:
        run.progress(1 - len(pending) / len(calls))  # where a cancel ends the run
        pending = wait(pending, LOOK_SECONDS, FIRST_COMPLETED).not_done
    run.progress(1)


def _give_back(calls: Sequence[Future[Body]]) -> None:
    """Raises TransientError when the service wants a long rest, or no call has got through."""
    passing = [error for call in calls if isinstance(error := call.exception(), CallFailedForNow)]
    longest = max((error.wait_seconds for error in passing), default=0.0)
    if longest > PATIENCE_SECONDS or len(passing) == len(calls):
        raise TransientError(str(passing[0]), retry_after_seconds=longest)


def _told(url: str, future: Future[Body]) -> Answer:
    error = future.exception()
    if error is None:
        body = future.result()
        return Answer(url=url, status=body.status, size=len(body.content))
    if not isinstance(error, CallFailed):
        raise error
    return Answer(url=url, status=error.status, error=str(error))


def _write(path: Path, urls: Sequence[str], calls: Sequence[Future[Body]]) -> Path:
    """A line of JSON for each answer."""
    with path.open("w", encoding="utf-8") as file:
        for url, future in zip(urls, calls, strict=True):
            if future.exception() is None:
                body = future.result()
                about = {"url": url, "status": body.status, "media_type": body.media_type}
                text = body.content.decode("utf-8", "replace")
                file.write(json.dumps(about | {"text": text}) + "\n")
    return path
