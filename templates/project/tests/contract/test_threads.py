"""What becomes of threads that hang: they cannot be killed as processes can."""

import asyncio
import sys

from fastapi import FastAPI

from app import offload
from fault import Fault
from service import ServiceMaker, wait_until


def test_a_service_whose_threads_all_hang_says_so(make_service: ServiceMaker) -> None:
    with make_service(JOB_DEADLINE_SECONDS="6", JOB_WORKERS="1") as service:
        dataset = service.put_nile()
        service.wait_for(service.submit(dataset, seed=Fault.STUCK_IN_C), "failed")
        wait_until(lambda: not service.is_ready(), "the service to say that it cannot work")
        assert list(service.http.get("/health/ready").json()["down"]) == ["threads"]
        assert service.status("/health/live") == 200


def test_threads_hand_the_interpreter_over_quickly() -> None:
    before = sys.getswitchinterval()
    asyncio.run(start_and_stop())
    during = sys.getswitchinterval()
    sys.setswitchinterval(before)
    assert during < before


async def start_and_stop() -> None:
    async with offload.lifespan(FastAPI()):
        pass
