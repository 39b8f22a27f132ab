"""Of what comes in and goes out: requests, files, callbacks."""

from defences.mutation import OFFLOAD, POSTGRESQL, TESTS, Mutation

SUBMITTING, UPLOADS = f"{OFFLOAD}/http/submitting.py", f"{OFFLOAD}/files/uploads.py"
HTTP = f"{TESTS}/http/test_submitting.py"
READINESS = f"{TESTS}/http/test_readiness.py"

MUTATIONS = [
    Mutation(
        "BEGIN IMMEDIATE: who reads and then writes is not refused",
        [
            (
                f"{OFFLOAD}/database/engines.py",
                '"BEGIN" if read_only else "BEGIN IMMEDIATE"',
                '"BEGIN"',
            )
        ],
        f"{HTTP}::TestRepeats::test_of_many_at_once_one_is_new",
    ),
    Mutation(
        "idempotency: a key is for one request",
        [(SUBMITTING, "if known.request_digest != digest:", "if False:")],
        f"{HTTP}::TestRepeats::test_another_request_is_refused",
    ),
    Mutation(
        "room: no more wait than may",
        [(SUBMITTING, ">= kind.max_waiting:", ">= 1_000_000:")],
        f"{HTTP}::TestRoom::test_as_many_wait_as_may",
    ),
    Mutation(
        "bodies: JSON has a limit, whatever its length is said to be",
        [
            (
                f"{OFFLOAD}/http/routing.py",
                "        if length > get_settings().max_json_bytes:\n",
                "        if False:\n",
            )
        ],
        f"{HTTP}::TestJson::test_a_body_has_a_limit",
    ),
    Mutation(
        "requests: a client gone in the middle of an upload is no 500",
        [
            (
                f"{OFFLOAD}/http/routing.py",
                "if answer.has_begun or isinstance(error, ClientDisconnect):",
                "if answer.has_begun:",
            )
        ],
        f"{TESTS}/observing/test_observed.py::test_a_client_that_goes_in_the_middle_of_an_upload_is_no_failure",
    ),
    Mutation(
        "uploads: a file has a limit, whatever its length is said to be",
        [(UPLOADS, "key, content, limits.max_bytes, name=", "key, content, 10**12, name=")],
        f"{TESTS}/files/test_uploads.py::TestRefused::test_a_file_over_its_limit_leaves_nothing",
    ),
    Mutation(
        "uploads: nothing is left of what was cut",
        [
            (
                UPLOADS,
                "            await asyncio.to_thread(delete_prefix, prefix)\n",
                "            pass\n",
            )
        ],
        f"{TESTS}/files/test_uploads.py::TestCut::test_the_files_before_the_cut_are_deleted_too",
    ),
    Mutation(
        "artifacts: what may run scripts is saved, not shown",
        [
            (
                f"{OFFLOAD}/files/artifacts.py",
                "shown = not download and _SHOWN.fullmatch(",
                "shown = not download and str(",
            )
        ],
        f"{TESTS}/files/test_artifacts.py::TestInABrowser::test_what_may_run_scripts_is_saved",
    ),
    Mutation(
        "callbacks: one receiver has few tries under way",
        [
            (
                f"{OFFLOAD}/callbacks/slots.py",
                "if busy[each.origin] < most and _has_room(held, quick):",
                "if most and _has_room(held, quick):",
            )
        ],
        f"{TESTS}/callbacks/test_slots.py::"
        "test_a_receiver_has_one_try_until_it_is_known_and_a_few_then",
    ),
    Mutation(
        "callbacks: a try puts off no other one",
        [
            (
                f"{OFFLOAD}/callbacks/retries.py",
                "        .where(callbacks.c.job_id.in_(taken))\n        .values(",
                "        .values(",
            )
        ],
        f"{TESTS}/callbacks/test_retries.py::test_a_try_of_one_callback_leaves_the_others_as_they_are",
    ),
    Mutation(
        "callbacks: no address of an inner network is connected to",
        [
            (
                f"{OFFLOAD}/callbacks/outbound.py",
                "return ip.is_global and not ip.is_multicast and",
                "return",
            )
        ],
        f"{TESTS}/callbacks/test_addresses.py::test_everything_else_is_refused",
    ),
    Mutation(
        "same origin: a page of another site changes nothing",
        [
            (
                f"{OFFLOAD}/http/same_origin.py",
                'if scope["method"] == "POST" and is_foreign(',
                'if scope["method"] == "HEAD" and is_foreign(',
            )
        ],
        f"{TESTS}/http/test_same_origin.py::test_what_a_form_can_send_is_refused",
    ),
    Mutation(
        "API key: it is asked for before anything else",
        [
            (
                "app/security.py",
                "or self._may_pass(HTTPConnection(scope)):",
                'or scope.get("method") == "POST":',
            )
        ],
        "tests/jobs/test_security.py::test_nothing_is_read_before_the_key",
    ),
    Mutation(
        "migrations: one that is missing is seen without Alembic",
        [
            (
                f"{OFFLOAD}/database/versions.py",
                "return _newest(folder) == _applied(connection, version_table, schema)",
                "return bool(_applied(connection, version_table, schema))",
            )
        ],
        f"{TESTS}/rows/test_migrating.py::test_what_is_missing_is_seen_without_alembic",
    ),
    Mutation(
        "migrations: an API that lacks none starts without Alembic",
        [(f"{OFFLOAD}/database/migrate.py", "    if not read(_has_all):\n", "    if True:\n")],
        f"{TESTS}/installed/test_api_start.py::test_no_library_of_eight_kinds_is_loaded",
    ),
    Mutation(
        "SQLite: who makes the file commits without an fsync each time, too",
        [
            (
                f"{OFFLOAD}/database/migrate.py",
                "            connection.invalidate()",
                "            pass",
            )
        ],
        f"{TESTS}/rows/test_sessions.py::test_who_made_the_file_has_its_connections_as_those_after",
    ),
    Mutation(
        "PostgreSQL: who stands still in a transaction keeps nothing locked for ever",
        [
            (
                f"{OFFLOAD}/database/engines.py",
                "SET LOCAL idle_in_transaction_session_timeout = '30s'; ",
                "",
            )
        ],
        f"{TESTS}/rows/test_sessions.py::test_each_transaction_of_jobs_and_api_has_its_limits",
        server=POSTGRESQL,
    ),
    Mutation(
        "SQLite: a file that was removed is an outage",
        [(f"{OFFLOAD}/database/engines.py", "        sqlite_file.watch(engine)\n", "")],
        f"{READINESS}::test_a_file_that_was_removed_is_noticed",
    ),
    Mutation(
        "SQLite: no connection is used whose file was replaced",
        [
            (
                f"{OFFLOAD}/database/sqlite_file.py",
                'if record.info.setdefault("file", found) != found:',
                "if False:",
            )
        ],
        f"{READINESS}::test_a_file_that_was_replaced_is_noticed",
    ),
    Mutation(
        "readiness: it waits for no request that holds a connection",
        [
            (
                f"{OFFLOAD}/database/engines.py",
                "_make_async_engine(**one)",
                "get_async_engine()",
            )
        ],
        f"{READINESS}::test_it_waits_for_no_request_that_holds_a_connection",
    ),
    Mutation(
        "readiness: the database is asked once for all who ask",
        [(f"{OFFLOAD}/http/health.py", "now - asking.since > FRESH_SECONDS", "True")],
        f"{READINESS}::test_the_database_is_asked_once_for_all_who_ask",
    ),
    Mutation(
        "feed: who is slow gets the last state only",
        [
            (
                f"{OFFLOAD}/http/feed.py",
                "        self._latest |= {job_id: states[job_id]",
                "        self._latest |= {job_id: self._latest.get(job_id, states[job_id])",
            )
        ],
        f"{TESTS}/http/test_feed.py::test_who_is_slow_gets_the_last_state_and_holds_up_nobody",
    ),
]
