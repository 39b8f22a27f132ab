"""Of rows: claims, ends, clocks, what the janitor does."""

from defences.mutation import OFFLOAD, POSTGRESQL, TESTS, Mutation

CLAIM, ENDS, SWEEP = (f"{OFFLOAD}/queue/{name}.py" for name in ("claim", "ends", "sweep"))
CLOCK, RUNNER = f"{OFFLOAD}/running/steady_clock.py", f"{OFFLOAD}/running/runner.py"
JANITOR = f"{OFFLOAD}/running/janitor.py"
CLAIMING, ENDING = f"{TESTS}/rows/test_claiming.py", f"{TESTS}/rows/test_ends.py"
RECOVERY = f"{TESTS}/rows/test_recovery.py"
SUBMITS = f"{TESTS}/http/test_submitting.py"

MUTATIONS = [
    Mutation(
        "lease token: a run that lost its lease writes nothing",
        [
            (
                ENDS,
                'jobs.c.lease_token == bindparam("token"))',
                'bindparam("token").is_not(None))',
            )
        ],
        f"{ENDING}::test_a_run_that_lost_its_lease_changes_nothing",
    ),
    Mutation(
        "claim: only what is queued is taken",
        [(CLAIM, "        is_status(Status.QUEUED, _waiting),\n", "")],
        f"{CLAIMING}::test_what_is_not_due_or_has_begun_or_ended_is_not_taken",
    ),
    Mutation(
        "SKIP LOCKED: nobody waits for another one's claim",
        [
            (
                CLAIM,
                "    .with_for_update(skip_locked=True)\n    .scalar_subquery()",
                "    .scalar_subquery()",
            )
        ],
        f"{CLAIMING}::test_a_row_that_another_one_is_claiming_is_passed_over",
        server=POSTGRESQL,
    ),
    Mutation(
        "lost answer: a claim that was committed is found by its token",
        [(RUNNER, "if next(tries) and (held :=", "if next(tries) < 0 and (held :=")],
        f"{CLAIMING}::test_a_claim_whose_answer_was_lost_holds_one_job",
    ),
    Mutation(
        "lost answer: an end that was committed is not written again",
        [
            (
                ENDS,
                "if row is not None and row.status == Status.SUCCEEDED:",
                "if row is not None and not row.status:",
            )
        ],
        f"{ENDING}::test_a_success_whose_answer_was_lost_is_written_once",
    ),
    Mutation(
        "late cancel: no success comes after it",
        [(ENDS, ".where(*_runs, jobs.c.cancel_requested_at.is_(None))", ".where(*_runs)")],
        f"{ENDING}::test_a_cancel_that_came_first_wins",
    ),
    Mutation(
        "at_end: what it raises takes the end, the artifacts and itself back",
        [
            (
                ENDS,
                "    for write in ends:\n        write(connection)\n",
                "    for write in ends:\n        try:\n            write(connection)\n"
                "        except ArithmeticError:\n            pass\n",
            )
        ],
        f"{ENDING}::test_what_at_end_raises_takes_everything_back",
    ),
    Mutation(
        "attempts: the last one that may be made ends the job",
        [(ENDS, "if failure and row.attempts >= row.max_attempts:", "if False:")],
        f"{ENDING}::test_failures_count_and_the_last_attempt_that_may_be_made_ends_the_job",
    ),
    Mutation(
        "stops: they are no attempts",
        [(ENDS, '"uncounted": 0 if failure else 1', '"uncounted": 0')],
        f"{ENDING}::test_a_stop_costs_no_attempt",
    ),
    Mutation(
        "history: it is written to the row of its own job alone",
        [
            (
                ENDS,
                '_HISTORY = update(jobs).where(jobs.c.id == bindparam("of_id"))',
                "_HISTORY = update(jobs)",
            ),
            (ENDS, '{"of_id": row.id, "told": history}', '{"told": history}'),
        ],
        f"{ENDING}::test_what_is_given_back_begins_anew_and_no_other_job_does",
    ),
    Mutation(
        "retry: the cancel that was asked for is forgotten",
        [(ENDS, "        cancel_requested_at=None,\n", "")],
        f"{ENDING}::test_a_retry_begins_anew",
    ),
    Mutation(
        "backoff: it waits in the row",
        [
            (
                ENDS,
                "status = Status.DELAYED if wait_seconds > 0 else Status.QUEUED",
                "status = Status.QUEUED",
            )
        ],
        f"{ENDING}::test_a_backoff_stands_in_the_row_and_doubles",
    ),
    Mutation(
        "recovery: every living run could have renewed its lease first",
        [
            (
                JANITOR,
                "        if since is None or not is_even:\n"
                "            transact_once(sweep.write)\n"
                "            since = time.monotonic()\n"
                "        elif (bearable := 2 * (time.monotonic() - since)) > lapsed_seconds:\n",
                "        if bearable := lapsed_seconds:\n",
            )
        ],
        f"{RECOVERY}::test_recovery_waits_until_each_living_run_could_have_renewed",
    ),
    Mutation(
        "clock: a lease that ends later than a fresh one is not believed",
        [
            (
                SWEEP,
                "        jobs.c.lease_expires_at > after(2 * jobs.c.lease_seconds),\n",
                "        jobs.c.lease_seconds < 0,\n",
            )
        ],
        f"{RECOVERY}::test_a_lapsed_lease_and_one_that_is_not_believed_are_given_back",
    ),
    Mutation(
        "lease: it is as long as its holder says, not as who looks",
        [
            (
                SWEEP,
                "after(2 * jobs.c.lease_seconds)",
                "after(2 * get_settings().job_lease_seconds)",
            ),
            (SWEEP, "from .ends import", "from ..settings import get_settings\nfrom .ends import"),
        ],
        f"{RECOVERY}::test_a_lease_is_as_long_as_its_holder_says_not_as_who_looks",
    ),
    Mutation(
        "clock: a step is noticed before anything is judged",
        [(CLOCK, "is_even = max(", "is_even = 0 * max(")],
        f"{RECOVERY}::test_a_step_or_a_gap_is_noticed_once",
    ),
    Mutation(
        "clock: nothing is deleted because it was set forward",
        [
            (
                CLOCK,
                "return min(self._seen[0], self._began[0] + elapsed)",
                "return self._seen[0]",
            )
        ],
        f"{RECOVERY}::test_the_safe_time_is_never_ahead_of_the_time_that_has_passed",
    ),
    Mutation(
        "retention: a job that is asked for again is kept",
        [
            (
                f"{OFFLOAD}/queue/retention.py",
                "delete(jobs).where(jobs.c.id.in_(_expired(at).where(jobs.c.id == job_id)))",
                "delete(jobs).where(jobs.c.id == job_id)",
            )
        ],
        f"{TESTS}/rows/test_retention.py::"
        "test_a_job_that_is_tried_again_after_it_was_found_is_kept",
    ),
    Mutation(
        "notifications: messages for what waits do not pile up",
        [(JANITOR, "if job == first and now < at:", "if False:")],
        f"{RECOVERY}::test_what_waits_is_notified_of_once_an_interval_that_doubles",
    ),
    Mutation(
        "enqueue: who runs jobs is notified after the outermost commit",
        [
            (
                f"{OFFLOAD}/queue/enqueue.py",
                "        notify_after(connection, queue)\n",
                "        notifying.notify([queue])\n",
            )
        ],
        f"{TESTS}/rows/test_enqueuing.py::test_a_savepoint_that_is_released_is_no_commit",
    ),
    Mutation(
        "enqueue: a connection that was lost is asked nothing",
        [
            (
                f"{OFFLOAD}/queue/commits.py",
                "{} if connection.invalidated else connection.info",
                "connection.info",
            )
        ],
        f"{TESTS}/rows/test_enqueuing.py::test_a_connection_that_is_lost_is_rolled_back",
    ),
    Mutation(
        "outages: a mistake in a statement is none",
        [
            (
                f"{OFFLOAD}/database/outage.py",
                "return code is not None and code & 0xFF in PASSING_SQLITE",
                "return code is not None",
            )
        ],
        f"{TESTS}/rows/test_outage_classes.py::test_a_mistake_in_a_statement_is_told_at_once",
    ),
    Mutation(
        "watcher: a run hears that its lease is lost",
        [(f"{OFFLOAD}/running/heartbeat.py", "signal.stop(LeaseLost)", "pass")],
        f"{TESTS}/running/test_told_to_stop.py::"
        "test_a_run_hears_that_its_lease_is_lost_or_that_it_is_cancelled",
    ),
    Mutation(
        "artifacts: nothing is kept of a run that came to nothing",
        [
            (
                RUNNER,
                "        write(*_outcome(error, row), **_options(error, row))\n"
                "        _discard(files)\n",
                "        write(*_outcome(error, row), **_options(error, row))\n",
            )
        ],
        f"{TESTS}/running/test_told_to_stop.py::test_nothing_is_kept_of_a_run_that_came_to_nothing",
    ),
]
