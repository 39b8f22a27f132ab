"""Nothing can be written for a while: the whole service waits, and no attempt is counted."""

import resource
import time

import pytest

from offload.databases import database_away
from offload.service import COMMANDS, Service


def test_an_outage_of_the_database_costs_no_attempt(service: Service) -> None:
    held, ending = service.submit("held"), service.submit("stuck_in_c", seconds=3)
    service.wait_until_run(held)
    service.wait_until_run(ending)
    with database_away(service.database_url):
        time.sleep(2 * float(service.environment["JOB_LEASE_SECONDS"]))
    service.let_go()
    for job in (held, ending):
        assert service.wait_for(job, "succeeded")["attempts"] == 1
        assert len(service.runs(job)) == 1


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="not run: needs Linux's prlimit")
def test_a_full_disk_costs_no_attempt(service: Service) -> None:
    job = service.submit("artifact", seconds=1.0)
    service.wait_until_run(job)
    processes = [process.pid for process in service.processes(*COMMANDS.keys() - {"broker"})]
    for pid in processes:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    time.sleep(4)
    for pid in processes:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    done = service.wait_for(job, "succeeded")
    assert done["attempts"] == 1
    assert service.http.get(done["artifacts"][0]["href"]).content == b"kept"
