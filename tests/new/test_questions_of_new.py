"""Questions, on a real pseudo-terminal."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import FASTOFFLOAD, LIMIT_SECONDS, names_in

from fastoffload.choosing.questions_of_new import QUESTIONS

DOWN, UP, ENTER, CTRL_C = b"\x1b[B", b"\x1b[A", b"\r", b"\x03"


class Terminal:
    """fastoffload on a terminal of 80 columns: `expect` what it shows, `press` keys."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._screen, inner = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [*FASTOFFLOAD, *arguments],
            cwd=folder,
            env={**os.environ, "COLUMNS": "80", "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)

    def expect(self, text: str) -> None:
        end = time.monotonic() + LIMIT_SECONDS
        while text not in self.shown:
            assert select.select([self._screen], [], [], end - time.monotonic())[0], self.shown
            self.shown += os.read(self._screen, 4096).decode(errors="replace")

    @property
    def words(self) -> str:
        """What was shown, without colours and line breaks."""
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown).split())

    def press(self, *keys: bytes) -> None:
        os.write(self._screen, b"".join(keys))

    def end(self) -> int:
        """The exit code, once all is shown."""
        try:
            while data := os.read(self._screen, 4096):
                self.shown += data.decode(errors="replace")
        except OSError:  # Linux says so when the other side is closed
            pass
        return self.process.wait(LIMIT_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, "new", "demo", "--no-install", "--no-git")
    yield opened
    opened.close()


def answers(folder: Path) -> str:
    return (folder / "demo" / ".copier-answers.yml").read_text(encoding="utf-8")


def test_enter_takes_the_executor_with_processes(terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("for CPU-bound work on one machine")
    terminal.expect("for work that mostly waits")
    terminal.press(ENTER)
    terminal.expect("releases the GIL")
    terminal.press(ENTER)
    assert terminal.end() == 0, terminal.shown
    assert "pool: process" in answers(tmp_path)


def test_arrows_choose_a_thread_pool(terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("for CPU-bound work on one machine")
    terminal.press(UP, DOWN, ENTER)
    terminal.expect("releases the GIL")
    terminal.press(DOWN, ENTER)
    assert terminal.end() == 0, terminal.shown
    assert "pool: thread" in answers(tmp_path)
    assert "shares the GIL" in terminal.words


@pytest.mark.parametrize(
    ("moves", "strategy", "broker"),
    [
        ((DOWN, ENTER), "celery", "redis"),
        ((DOWN, DOWN, ENTER), "dramatiq", "rabbitmq"),
    ],
)
def test_a_queue_asks_for_its_broker(
    terminal: Terminal, tmp_path: Path, moves: tuple[bytes, ...], strategy: str, broker: str
) -> None:
    terminal.expect("a small queue with few settings")
    terminal.press(*moves)
    terminal.expect("a server made for queues, on several machines if need be")
    assert "Which broker?" in terminal.words
    terminal.press(*([DOWN] if broker == "rabbitmq" else []), ENTER)
    assert terminal.end() == 0, terminal.shown
    assert f"strategy: {strategy}" in answers(tmp_path)
    assert f"broker: {broker}" in answers(tmp_path)
    assert "A pool of what?" not in terminal.words


def test_background_asks_no_more(terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("for CPU-bound work on one machine")
    terminal.press(UP, ENTER)
    assert terminal.end() == 0, terminal.shown
    assert "strategy: background" in answers(tmp_path)
    for question in QUESTIONS.values():
        assert question not in terminal.words


@pytest.mark.parametrize("first", [b"", ENTER])
def test_ctrl_c_leaves_nothing(terminal: Terminal, tmp_path: Path, first: bytes) -> None:
    terminal.expect("for CPU-bound work on one machine")
    if first:
        terminal.press(first)
        terminal.expect("releases the GIL")
    terminal.press(CTRL_C)
    assert terminal.end() == 130, terminal.shown
    assert "nothing was kept" in terminal.words
    assert "Traceback" not in terminal.shown
    assert names_in(tmp_path) == []


def test_what_cannot_work_is_said_before_the_questions(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    terminal = Terminal(tmp_path, "new", "full")
    assert terminal.end() == 1
    assert "is not empty (it holds file)" in terminal.words
    assert "Who runs the jobs" not in terminal.shown
    terminal.close()


def test_choose_asks_for_what_is_not_given(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "choose", "--seconds", "5", "--machines", "1")
    try:
        terminal.expect("What does it do meanwhile?")
        terminal.press(UP, ENTER)
        terminal.expect("What must accepted jobs survive?")
        terminal.press(ENTER)
        terminal.expect("How many jobs come in a minute?")
        terminal.press(b"none", ENTER)
        terminal.expect("a number, please")
        terminal.press(b"\x08" * 4, b"12", ENTER)
        terminal.expect("May there be a broker")
        terminal.press(ENTER)
        assert terminal.end() == 0
        assert "5 s x 12 a minute / 60 = 1 slot busy" in terminal.words
        assert "How many cores" not in terminal.words
        assert "--strategy background" in terminal.words
    finally:
        terminal.close()


def test_who_does_not_know_is_helped(terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("help me")
    terminal.press(UP, UP, ENTER)
    terminal.expect("How many seconds does a job take?")
    terminal.press(b"30", ENTER)
    terminal.expect("What does it do meanwhile?")
    terminal.press(DOWN, DOWN, ENTER)
    terminal.expect("What must accepted jobs survive?")
    terminal.press(ENTER)
    terminal.expect("On how many machines do jobs run?")
    terminal.press(b"1", ENTER)
    terminal.expect("This one has ")
    terminal.press(b"8", ENTER)
    terminal.expect("How many jobs come in a minute?")
    terminal.press(b"2", ENTER)
    terminal.expect("May there be a broker")
    terminal.press(ENTER)
    terminal.expect("move on when")
    terminal.expect("for work that mostly waits")  # asked once more, the answer marked
    terminal.press(ENTER)
    terminal.expect("releases the GIL")
    terminal.press(ENTER)
    assert terminal.end() == 0, terminal.shown
    assert "pool: thread" in answers(tmp_path)


def test_choose_asks_again_for_a_number_beyond_all_sense(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "choose")
    try:
        terminal.expect("How many seconds does a job take?")
        terminal.press(b"1e308", ENTER)
        terminal.expect("1000000 at most")
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    finally:
        terminal.close()


def test_an_interrupted_choose_is_130(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "choose")
    try:
        terminal.expect("How many seconds does a job take?")
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    finally:
        terminal.close()
