"""What holds for processes that run reports, and not for threads."""

import sys

import psutil
import pytest

from fault import Fault
from service import ServiceMaker, wait_until


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_DATA")
def test_a_report_that_wants_too_much_memory_fails_alone(make_service: ServiceMaker) -> None:
    with make_service(JOB_MEMORY_MB="800") as service:
        dataset = service.put_nile()
        other = service.submit(dataset, seed=Fault.HELD)
        service.wait_for(other, "running")
        report = service.wait_for(service.submit(dataset, seed=Fault.GREEDY), "failed")
        assert report["error"]["code"] == "computation_failed"
        assert "MemoryError" in service.log.read_text()
        service.let_go()
        assert service.wait_for(other, "succeeded")["attempts"] == 1


def test_a_process_is_replaced_after_as_many_reports_as_set(make_service: ServiceMaker) -> None:
    with make_service(JOB_WORKERS="1", JOB_TASKS_PER_CHILD="1") as service:
        dataset = service.put_nile()
        service.let_go()
        for _ in range(2):
            service.wait_for(service.submit(dataset, seed=Fault.HELD), "succeeded")
        first, second = service.runs(Fault.HELD)
        assert first != second


def test_a_process_that_computes_gives_way_to_the_api(make_service: ServiceMaker) -> None:
    with make_service() as service:
        service.wait_for(service.submit(service.put_nile(), seed=Fault.HELD), "running")
        [pid] = wait_until(lambda: service.runs(Fault.HELD), "the computation to begin")
        assert psutil.Process(pid).nice() > psutil.Process().nice()
