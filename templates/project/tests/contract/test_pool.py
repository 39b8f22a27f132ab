"""What a pool of processes can do that threads cannot."""

import os
import signal

import psutil

from fault import Fault
from service import LONG_LEASE, Service, ServiceMaker, wait_until

MAKES_ONE_PROCESS = {"JOB_WORKERS": "1"}


def children(service: Service) -> list[psutil.Process]:
    """The processes of the pool: forked from a server, and each leads a group of its own."""
    forked = [found for found in service.processes() if "forkserver" in " ".join(found.cmdline())]
    return [found for found in forked if os.getpgid(found.pid) == found.pid]


def test_a_report_whose_process_is_killed_runs_again_and_no_other_notices(
    make_service: ServiceMaker,
) -> None:
    with make_service(**LONG_LEASE) as service:
        dataset = service.put_nile()
        other = service.submit(dataset, seed=Fault.HELD)
        service.wait_for(other, "running")
        report = service.submit(dataset, seed=Fault.KILLED_ONCE)
        assert service.wait_for(report, "succeeded")["attempts"] == 2
        service.let_go()
        assert service.wait_for(other, "succeeded")["attempts"] == 1
        assert service.is_running()


def test_a_process_stuck_in_c_is_killed_at_the_deadline(make_service: ServiceMaker) -> None:
    with make_service(**MAKES_ONE_PROCESS, JOB_DEADLINE_SECONDS="6") as service:
        dataset = service.put_nile()
        report = service.submit(dataset, seed=Fault.STUCK_IN_C)
        ended = service.wait_for(report, "failed")
        assert ended["error"]["code"] == "deadline_exceeded"
        service.wait_for(service.submit(dataset), "succeeded")
        assert not psutil.pid_exists(service.runs(Fault.STUCK_IN_C)[0])


def test_a_process_stuck_in_c_is_killed_after_a_cancel(make_service: ServiceMaker) -> None:
    with make_service(**MAKES_ONE_PROCESS) as service:
        dataset = service.put_nile()
        report = service.submit(dataset, seed=Fault.STUCK_IN_C)
        wait_until(lambda: service.runs(Fault.STUCK_IN_C), "the computation to begin")
        service.http.post(f"/reports/{report['id']}/cancel")
        service.wait_for(report, "cancelled")
        service.wait_for(service.submit(dataset), "succeeded")
        assert not psutil.pid_exists(service.runs(Fault.STUCK_IN_C)[0])


def test_c_code_that_holds_the_gil_for_longer_than_a_lease_keeps_it(
    make_service: ServiceMaker,
) -> None:
    with make_service() as service:
        report = service.submit(service.put_nile(), seed=Fault.HOLDS_THE_GIL)
        assert service.wait_for(report, "succeeded")["attempts"] == 1


def test_idle_processes_that_are_killed_are_replaced(make_service: ServiceMaker) -> None:
    with make_service() as service:
        dataset = service.put_nile()
        service.wait_for(service.submit(dataset), "succeeded")
        killed = {child.pid for child in children(service)}
        assert len(killed) == 2
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        service.wait_for(service.submit(dataset), "succeeded")
        wait_until(lambda: len(children(service)) == 2, "two processes")
        assert killed.isdisjoint(child.pid for child in children(service))
        wait_until(service.is_ready, "the service to be ready")


def test_processes_end_when_the_server_is_killed(make_service: ServiceMaker) -> None:
    with make_service() as service:
        service.wait_for(service.submit(service.put_nile(), seed=Fault.STUCK_IN_C), "running")
        assert children(service)
        service.kill_leaders()
        service.wait_until_gone()
