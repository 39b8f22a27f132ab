"""Of processes and brokers: what a service shows that is killed, stopped or cut off."""

from defences.mutation import BROKER, FAULTS, OFFLOAD, RABBITMQ, TESTS, Mutation

POOL, POOL_WATCH = f"{OFFLOAD}/running/pool.py", f"{OFFLOAD}/running/pool_watch.py"
WORKER = f"{OFFLOAD}/worker.py"
CHILDREN, JANITOR = f"{OFFLOAD}/running/children.py", f"{OFFLOAD}/running/janitor.py"
PROCESSES, STOPS = f"{FAULTS}/test_processes.py", f"{FAULTS}/test_stops.py"

MUTATIONS = [
    Mutation(
        "delayed jobs: the janitor promotes what is due",
        [(JANITOR, "if work.has_due:", "if False:")],
        f"{FAULTS}/test_faults.py::test_what_fails_for_now_is_tried_again[transient_once]",
    ),
    Mutation(
        "pool: a child that dies is accounted for at once, with its exit code",
        [
            (
                POOL,
                '(transact_once, _settle_rows, look.prefix, killed, f"exit code {exit_code}")',
                "(lambda: None)",
            )
        ],
        f"{PROCESSES}::test_a_job_that_kills_its_process_each_time_fails",
    ),
    Mutation(
        "pool: what a killed child has left on the disk is removed",
        [(POOL, "scratch.remove_left()", "pass")],
        f"{PROCESSES}::test_a_job_that_kills_its_process_each_time_fails",
    ),
    Mutation(
        "scratch folders: one in use is locked, and left alone",
        [(f"{OFFLOAD}/scratch.py", "fcntl.flock(self._lock, fcntl.LOCK_EX)", "pass")],
        f"{TESTS}/running/test_scratch.py",
    ),
    Mutation(
        "start.py: nobody is told to stop before the ids of all are known",
        [(f"{OFFLOAD}/dev/start.py", "if started and self._told", "if self._told")],
        f"{TESTS}/launcher/test_run.py::test_told_to_stop_in_its_first_moments_it_does",
    ),
    Mutation(
        "launcher: no signal ends what kills a command whose launcher is gone",
        [(f"{OFFLOAD}/dev/run.py", "(signal.SIG_BLOCK, STOPS)", "(signal.SIG_BLOCK, ())")],
        f"{TESTS}/launcher/test_run.py::test_no_signal_ends_what_kills_the_command_when_the_launcher_is_gone[SIGTERM]",
    ),
    Mutation(
        "pool: a child that was told to stop has not failed",
        [(POOL, "if self._is_stopping or exit_code in STOPPED_BY:", "if self._is_stopping:")],
        f"{PROCESSES}::test_polite_signals_to_a_child_cost_no_attempt",
    ),
    Mutation(
        "pool: a child that ends as if planned is noticed",
        [(POOL_WATCH, "if now - self._gone.get(token, now) > GONE_SECONDS:", "if False:")],
        f"{PROCESSES}::test_a_process_that_ends_as_if_planned_is_noticed",
    ),
    Mutation(
        "pool: the lease of a child that holds the GIL is renewed for it",
        [(POOL_WATCH, "transact_once(_renew, running)", "pass")],
        f"{PROCESSES}::test_c_code_that_holds_the_gil_for_longer_than_a_lease_is_one_attempt",
    ),
    Mutation(
        "deadline: the kernel's alarm ends C code that holds the GIL",
        [
            (CHILDREN, "signal.setitimer(signal.ITIMER_REAL, seconds)", "pass"),
            (POOL_WATCH, "STANDS_STILL_SECONDS = 30.0", "STANDS_STILL_SECONDS = 300.0"),
        ],
        f"{PROCESSES}::test_a_job_past_its_deadline_is_killed[True]",
    ),
    Mutation(
        "cancel: what does not heed it is killed",
        [
            (
                POOL_WATCH,
                "if now - self._cancelled.get(token, now) > 2 * GRACE_SECONDS:",
                "if False:",
            )
        ],
        f"{PROCESSES}::test_a_cancelled_job_that_holds_the_gil_is_killed",
    ),
    Mutation(
        "parent: children end with it, however it ends",
        [(CHILDREN, "    threading.Thread(target=_end_with_parent, daemon=True).start()\n", "")],
        f"{FAULTS}/test_parents.py::test_a_parent_that_is_killed_takes_its_children_along",
    ),
    Mutation(
        "children: what their work has started is killed with them",
        [(CHILDREN, "    os.setpgrp()  # what the work starts is killed with this process\n", "")],
        f"{FAULTS}/test_parents.py::"
        "test_what_the_work_has_started_is_killed_with_its_process[SIGKILL]",
    ),
    Mutation(
        "group: a signal to all processes does not end the children",
        [
            (f"{OFFLOAD}/running/own_group.py", "os.setpgrp()\n", ""),
            (f"{OFFLOAD}/running/own_group.py", "(signal.SIGHUP, signal.SIGTERM)", "()"),
        ],
        f"{FAULTS}/test_parents.py::test_a_signal_to_the_whole_group_is_the_parents_business",
    ),
    Mutation(
        "group: what children are forked from outlives a signal to each process",
        [
            (
                f"{OFFLOAD}/running/own_group.py",
                "(signal.SIGHUP, signal.SIGTERM)",
                "(signal.SIGHUP,)",
            )
        ],
        f"{FAULTS}/test_parents.py::test_a_stop_that_every_process_is_told_costs_no_attempt",
    ),
    Mutation(
        "stop: Dramatiq's second signal does not cut it short",
        [
            (
                WORKER,
                "        look()\n        _hear_stops_once()\n",
                "        look()\n",
            )
        ],
        f"{FAULTS}/test_parents.py::test_a_stop_that_is_told_again_and_again_is_one[SIGTERM]",
        "dramatiq-redis",
    ),
    Mutation(
        "stop: Celery's second signal does not cut it short",
        [
            (
                f"{OFFLOAD}/shutdown.py",
                "signal.signal(how, lambda *_: None)  # not SIG_IGN, which programs would inherit",
                "pass",
            )
        ],
        f"{FAULTS}/test_parents.py::test_a_stop_that_is_told_again_and_again_is_one[SIGINT]",
        "celery-redis",
    ),
    Mutation(
        "stop: a request that it cuts off is told to come again",
        [
            (
                f"{OFFLOAD}/http/problems.py",
                'if scope["type"] != "http" or has_begun or not is_stopping():',
                "if True:",
            )
        ],
        f"{STOPS}::test_no_way_of_stopping_costs_an_attempt",
    ),
    Mutation(
        "hangup: a terminal that is closed stops the service, and does not kill it",
        [
            (
                f"{OFFLOAD}/shutdown.py",
                "signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))",
                "pass",
            )
        ],
        f"{STOPS}::test_no_way_of_stopping_costs_an_attempt",
        "background",
    ),
    Mutation(
        "stop: what can end within the grace period does",
        [(POOL, "wait([look.future for look in looks], grace_seconds)", "pass")],
        f"{FAULTS}/test_parents.py::test_a_job_that_can_end_within_the_grace_period_does",
    ),
    Mutation(
        "threads: what hangs in one goes back at a stop",
        [
            (
                f"{OFFLOAD}/running/threads.py",
                "for lease in self._watcher.running - self._watcher.unheeded:",
                "for lease in ():",
            )
        ],
        f"{STOPS}::test_no_way_of_stopping_costs_an_attempt",
        "background",
    ),
    Mutation(
        "API: a stop that is told again is one",
        [(f"{OFFLOAD}/installing.py", "with no_second_stop():", "if True:")],
        f"{FAULTS}/test_parents.py::test_a_stop_that_is_told_again_and_again_is_one[SIGINT]",
    ),
    Mutation(
        "pool: what a job leaves in cycles is collected",
        [(CHILDREN, "    gc.enable()\n", "")],
        f"{FAULTS}/test_pool_settings.py::test_what_a_job_leaves_in_cycles_is_collected",
    ),
    Mutation(
        "event loop: no collection walks through what is imported",
        [("app/main.py", "    gc.freeze()  ", "    pass  ")],
        "tests/jobs/test_main.py::test_no_collection_walks_through_what_is_there_when_it_starts",
    ),
    Mutation(
        "broker: whatever a message holds, it is dropped",
        [
            (
                f"{OFFLOAD}/malformed_messages.py",
                "message.headers = _headers(message, queues.aliases)",
                "pass",
            )
        ],
        f"{BROKER}/test_messages.py::test_whatever_a_message_holds_good_jobs_run",
        "celery-redis",
    ),
    Mutation(
        "notifier: no request waits for the broker",
        [
            (
                f"{OFFLOAD}/notifier.py",
                "        self._queue.put(queue)\n",
                "        self._publish(queue)\n",
            )
        ],
        f"{BROKER}/test_outages.py::test_nobody_waits_for_a_broker_that_is_away[freeze]",
        "celery-redis",
    ),
    Mutation(
        "lost messages: a worker that starts looks without being told",
        [(f"{OFFLOAD}/worker_children.py", "self._in_background(self._look_first)", "pass")],
        f"{BROKER}/test_outages.py::test_a_worker_that_starts_looks_without_being_told",
        "celery-redis",
    ),
    Mutation(
        "supervision: a worker that ends is started again",
        [("Procfile", "run.py --restart ", "run.py ")],
        f"{BROKER}/test_stops.py::test_no_way_of_stopping_a_worker_holds_up_a_job",
        "celery-redis",
    ),
    Mutation(
        "worker: a stop does not wait for the next message",
        [(WORKER, 'app.steps["consumer"].add(SignalWakeup)\n', "")],
        f"{BROKER}/test_worker.py::test_a_signal_ends_the_wait_for_messages",
        "celery-redis",
    ),
    Mutation(
        "worker: a stop does not wait for a silent broker",
        [(WORKER, "GOODBYE_SECONDS = 1 ", "GOODBYE_SECONDS = 600 ")],
        f"{BROKER}/test_outages.py::test_a_stop_does_not_wait_for_a_silent_broker",
        "celery-rabbitmq",
        server=RABBITMQ,
    ),
]
