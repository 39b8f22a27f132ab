"""`honcho start`, as a developer types it."""

import signal
import subprocess
import sys

import psutil
import pytest

from fault import Fault
from service import LIMIT_SECONDS, ROOT, ServiceMaker, wait_until


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_everything_ends_with_it_and_no_report_is_lost(
    make_service: ServiceMaker, how: signal.Signals
) -> None:
    service = make_service()
    command = [sys.executable, "-m", "honcho", "-f", str(ROOT / "Procfile"), "start"]
    with (
        service.log.open("ab") as log,
        subprocess.Popen(
            command, cwd=service.folder, env=service.environment, stdout=log, stderr=log
        ) as honcho,
    ):
        wait_until(service.is_ready, "the service to be ready")
        report = service.submit(service.put_nile(), seed=Fault.HELD)
        service.wait_for(report, "running")
        started = psutil.Process(honcho.pid).children(recursive=True)
        honcho.send_signal(how)
        honcho.wait(LIMIT_SECONDS)
    wait_until(lambda: not any(map(psutil.Process.is_running, started)), "no process to be left")
    service.let_go()
    service.start()
    service.wait_for(report, "succeeded")
