"""The remedy that fits."""

from collections.abc import Callable

import pytest

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.report import Reading

Read = Callable[..., Reading]

HEAD = """
import asyncio, time
from fastapi import BackgroundTasks, Depends, FastAPI, Request
app = FastAPI()
"""


def only(report: Reading) -> Finding:
    (finding,) = report.findings
    return finding


def test_a_background_task_that_computes_between_two_awaits_becomes_a_job(
    application: Read,
) -> None:
    finding = only(
        application(
            f"{HEAD}async def crunch():\n    await asyncio.sleep(1)\n"
            "    total = sum(i * i for i in range(10**8))\n    await asyncio.sleep(1)\n"
            "@app.get('/')\nasync def main(background_tasks: BackgroundTasks):\n"
            "    background_tasks.add_task(crunch)\n    return {'message': 'started'}\n"
        )
    )

    assert (finding.entry, finding.kind) == ("background task crunch", "background")
    assert (finding.place.line, finding.cause) == (7, "computes")
    assert finding.remedy.action == "job"
    assert "`fastoffload add crunch`," in finding.remedy.advice


def test_a_task_of_the_loop_is_one_as_well(application: Read) -> None:
    finding = only(
        application(
            f"{HEAD}async def crunch():\n    await asyncio.sleep(1)\n"
            "    for i in range(50_000_000):\n        pass\n    await asyncio.sleep(1)\n"
            "@app.get('/')\nasync def main():\n    asyncio.create_task(crunch())\n"
        )
    )

    assert finding.entry == "background task crunch"
    assert finding.remedy.action == "job"


def test_a_route_that_renders_a_pdf_becomes_a_job(application: Read) -> None:
    finding = only(
        application(
            f"{HEAD}from reportlab.pdfgen import canvas\n"
            "@app.post('/generate-pdf/')\nasync def generate_pdf(title: str):\n"
            "    page = canvas.Canvas('out.pdf')\n    page.drawString(1, 1, title)\n"
            "    page.save()\n    return {'file': 'out.pdf'}\n"
        )
    )

    assert finding.entry == "POST /generate-pdf/"
    assert finding.remedy.action == "job"
    assert "`fastoffload add generate_pdf --recipe report`," in finding.remedy.advice


@pytest.mark.parametrize(
    ("before", "action"), [("", "def"), ("    await asyncio.sleep(0)\n", "wrap")]
)
def test_a_route_without_await_becomes_a_plain_def(
    application: Read, before: str, action: str
) -> None:
    finding = only(
        application(
            f"{HEAD}import requests\ndef fetch():\n    return requests.get('u')\n"
            f"@app.get('/x')\nasync def x():\n{before}    return fetch()\n"
        )
    )

    assert finding.remedy.action == action
    assert ("asyncio.to_thread(fetch, …)" in finding.remedy.advice) == (action == "wrap")


def test_what_computes_in_a_dependency_is_wrapped_into_a_process(application: Read) -> None:
    finding = only(
        application(
            f"{HEAD}import pandas\nasync def table(request: Request):\n"
            "    return pandas.read_csv(await request.body())\n"
            "@app.get('/x')\nasync def x(t=Depends(table)): ...\n"
        )
    )

    assert finding.remedy.action == "wrap"
    assert "process_pool" in finding.remedy.advice
