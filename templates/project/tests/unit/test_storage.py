"""Storing, finding and deleting PDFs."""

import asyncio
import uuid

import pytest

from app import storage

pytestmark = pytest.mark.usefixtures("database")


def test_what_was_stored_is_found() -> None:
    key = storage.save(uuid.uuid4(), "token", b"%PDF")
    assert asyncio.run(storage.load(key)) == b"%PDF"


def test_what_is_gone_is_none() -> None:
    report_id = uuid.uuid4()
    key = storage.save(report_id, "token", b"%PDF")
    storage.delete_all(report_id)
    assert asyncio.run(storage.load(key)) is None
    storage.delete_all(report_id)  # nothing is left to delete


def test_runs_and_reports_keep_out_of_each_others_way() -> None:
    report_id, other_id = uuid.uuid4(), uuid.uuid4()
    keys = [storage.save(report_id, token, token.encode()) for token in ("a", "b")]
    other = storage.save(other_id, "a", b"other")
    assert asyncio.run(storage.load(keys[0])) == b"a"
    storage.delete_all(report_id)
    assert storage.list_keys(report_id) == []
    assert storage.list_keys(other_id) == [other]
