"""Jobs of three kinds and two queues while processes are killed and stopped at random moments.

A ledger that the jobs keep through `run.at_end` shows that each took effect exactly once.
"""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

import psutil
from sqlalchemy import text

from offload.databases import autocommit, kill_connections
from offload.service import COMMANDS, Service, ServiceMaker, wait_until

NUMBER = int(os.environ.get("CHAOS_JOBS", "150"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
KINDS = ("fault", "patient", "slow")


def test_each_job_takes_effect_exactly_once(make_service: ServiceMaker) -> None:
    print(f"CHAOS_SEED={SEED} CHAOS_JOBS={NUMBER}")
    chance = random.Random(SEED)
    service = make_service(JOB_LEASE_SECONDS="2", SHUTDOWN_GRACE_SECONDS="1").start()
    (service.folder / "ledger").touch()
    with autocommit(service.database_url) as database:
        database.execute(text("CREATE TABLE ledger (job_id VARCHAR(32))"))
    jobs = [_submit(service, chance) for _ in range(NUMBER)]
    rounds = 0
    while _left(service) and rounds < 12:
        time.sleep(chance.uniform(0.2, 1.0))
        _disturb(service, chance)
        rounds += 1
    wait_until(lambda: _revive(service) or not _left(service), f"all jobs to end; seed {SEED}")
    wait_until(lambda: _revive(service) or service.is_ready(), "the last one that died to be back")
    ended = [service.job(job) for job in jobs]
    with autocommit(service.database_url) as database:
        ledger = Counter(database.execute(text("SELECT job_id FROM ledger")).scalars())
    succeeded = {job["id"].replace("-", "") for job in ended if job["status"] == "succeeded"}
    assert set(ledger.values()) <= {1}, f"twice, with seed {SEED}: {ledger.most_common(3)}"
    assert ledger.keys() == succeeded, f"with seed {SEED}"
    for job in ended:  # what has failed was killed in each of its attempts
        assert job["status"] == "succeeded" or job["error"]["code"] == "worker_lost", job
        assert job["attempts"] <= 1 + len(job["history"]), job


def _submit(service: Service, chance: random.Random) -> dict[str, object]:
    kind = chance.choice(KINDS)
    seconds = round(chance.uniform(0, 0.2), 3)
    return service.submit("ledger" if kind == "fault" else "", kind=kind, seconds=seconds)


def _left(service: Service) -> int:
    with autocommit(service.database_url) as database:
        schema = "" if service.database_url.startswith("sqlite") else "offload."
        count = f"SELECT count(*) FROM {schema}offload_jobs WHERE finished_at IS NULL"
        return int(database.execute(text(count)).scalar_one())


def _disturb(service: Service, chance: random.Random) -> None:
    """Kill or stop a process that runs jobs or serves, or the connections to the database."""
    _revive(service)
    victims = service.processes()
    what = chance.random()
    if what < 0.15 and not service.database_url.startswith("sqlite"):
        with autocommit(service.database_url) as server:
            kill_connections(server, str(service.database_url.rpartition("/")[2]))
        return
    victim = chance.choice(victims)
    with suppress(psutil.NoSuchProcess):
        if what < 0.6:
            victim.kill()
            return
        victim.send_signal(signal.SIGSTOP)
        time.sleep(3)  # longer than a lease
        victim.send_signal(signal.SIGCONT)


def _revive(service: Service) -> None:
    """Start again what has died, as whatever runs the containers would."""
    for name in COMMANDS:
        if not service.is_command_running(name):
            service.kill(name)
            service.start_command(name)
