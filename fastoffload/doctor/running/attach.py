"""How to watch an application under traffic of one's own."""

ATTACH = """\
Under your own traffic: add this line where the application is made, and run it as you do, with
fastoffload in its environment (`uv run --with fastoffload uvicorn …`).

    from fastoffload.doctor.running.watch import BlockingWatch; app.add_middleware(BlockingWatch)

It logs a warning, `fastoffload.doctor`, whenever the event loop is blocked: seconds, route, file
and line. An idle application pays less than 2 % of a core for it.

Under your own tests, without a change to them:

    uv run --with fastoffload pytest -p fastoffload.doctor

A test whose request blocks the loop for longer than --blocking-limit (0.1 s) fails and names them.
"""


def attach_text() -> str:
    """What `fastoffload doctor --attach` prints."""
    return ATTACH
