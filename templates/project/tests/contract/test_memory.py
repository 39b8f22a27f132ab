"""The limit of memory that processes have and threads have not."""

import sys

import pytest

from fault import Fault
from service import ServiceMaker


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
