"""Callbacks: who is told, how often, and where no request goes."""

import base64
import json
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from fault import Fault
from receiver import Received, Receiver, endless, first, hang, with_status
from service import COMMANDS, ENDED, Service, ServiceMaker, private_database, wait_until

OLD, NEW, OTHER = (f"whsec_{base64.b64encode(os.urandom(32)).decode()}" for _ in range(3))
SETTINGS = {
    "CALLBACK_SECRET": f"{NEW} {OLD}",
    "CALLBACK_RETRY_SECONDS": "0.2",
    "CALLBACK_TIMEOUT_SECONDS": "2",
    "CALLBACK_ALLOWED_NETWORKS": "127.0.0.1",
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver that may be called."""
    with Receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def private() -> Iterator[Receiver]:
    """A receiver at an address that must not be connected to."""
    with Receiver("127.0.0.2") as listening:
        yield listening


@pytest.fixture(scope="module")
def calling(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> Iterator[Service]:
    """The service that sends callbacks, to 127.0.0.1 too."""
    folder = tmp_path_factory.mktemp("calling")
    with (
        private_database(folder) as url,
        Service(folder, url, **own_settings(), **SETTINGS) as running,
    ):
        yield running


def submit(service: Service, url: str, seed: int = 1) -> dict[str, Any]:
    """Ask for a report and a callback."""
    dataset = service.put_nile()
    body = {"dataset": dataset, "title": "x", "resamples": 10, "seed": seed, "callback_url": url}
    answer = service.http.post("/reports", json=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def callback(service: Service, report: dict[str, Any]) -> dict[str, Any]:
    """Where the callback of a report stands."""
    return dict(service.report(report)["callback"])


def wait_for(
    service: Service, report: dict[str, Any], status: str = "delivered", attempts: int = 1
) -> dict[str, Any]:
    """The callback as soon as it stands so, after as many attempts at least."""

    def look() -> dict[str, Any] | None:
        found = callback(service, report)
        tried = (found["last_status"] or found["last_error"]) and found["attempts"] >= attempts
        return found if tried and found["status"] == status else None

    return wait_until(look, f"the callback of {report['id']} to be {status}")


def path() -> str:
    """A path of the test's own."""
    return f"/{uuid.uuid4().hex}"


def ids(requests: list[Received]) -> set[str]:
    """The ids of messages, each once."""
    return {request.headers["webhook-id"] for request in requests}


def test_the_end_of_a_report_is_told_once_and_signed(calling: Service, receiver: Receiver) -> None:
    place = path()
    report = submit(calling, receiver.url + place)
    assert report["callback"]["status"] == "waiting"
    told = wait_for(calling, report)
    assert (told["attempts"], told["last_status"], told["next_at"]) == (1, 204, None)
    (request,) = receiver.received(place)
    for secret in (OLD, NEW):
        message = Webhook(secret).verify(request.body, request.headers)
    assert message["type"] == "report.succeeded"
    ended = calling.report(report)
    left_out = ("result", "callback", "version")
    assert message["data"] == {k: v for k, v in ended.items() if k not in left_out}
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(request.body.replace(b"succeeded", b"cancelled"), request.headers)
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("rest", ["/b;c", "/b;c/d;e?f=1;g", "//b?", ""])
def test_the_path_arrives_as_it_was_given(calling: Service, receiver: Receiver, rest: str) -> None:
    place = path() + rest
    wait_for(calling, submit(calling, f"{receiver.url}{place}#part"))
    assert len(receiver.received(place.rstrip("?"))) == 1


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_every_end_is_told(calling: Service, receiver: Receiver, status: str) -> None:
    place = path()
    seed = Fault.BROKEN if status == "failed" else Fault.HELD
    report = submit(calling, receiver.url + place, seed)
    if status == "cancelled":
        calling.wait_for(report, "running")
        calling.http.post(f"/reports/{report['id']}/cancel")
    wait_for(calling, report)
    (request,) = receiver.received(place)
    assert json.loads(request.body)["type"] == f"report.{status}"


def test_the_end_after_a_retry_is_another_message(calling: Service, receiver: Receiver) -> None:
    place = path()
    report = submit(calling, receiver.url + place, Fault.BROKEN)
    wait_for(calling, report)
    calling.http.post(f"/reports/{report['id']}/retry")
    wait_until(lambda: len(receiver.received(place)) == 2, "the second callback")
    assert len(ids(receiver.received(place))) == 2
    assert wait_for(calling, report)["attempts"] == 1


def test_a_receiver_that_fails_is_told_again_with_the_same_id(
    calling: Service, receiver: Receiver
) -> None:
    place = path()
    receiver.answers[place] = first(with_status(500), first(with_status(500), with_status(200)))
    told = wait_for(calling, submit(calling, receiver.url + place))
    assert (told["attempts"], told["last_status"], told["last_error"]) == (3, 200, None)
    requests = receiver.received(place)
    assert len(requests) == 3 and len(ids(requests)) == 1
    assert len({request.body for request in requests}) == 1


def test_a_receiver_that_hangs_is_told_again_and_holds_nobody_up(
    calling: Service, receiver: Receiver
) -> None:
    place = path()
    receiver.answers[place] = first(hang, with_status(200))
    hanging = submit(calling, receiver.url + place)
    told = wait_for(calling, submit(calling, receiver.url + path()))
    assert told["attempts"] == 1
    told = wait_for(calling, hanging, attempts=2)
    assert (told["attempts"], told["last_status"]) == (2, 200)
    log = calling.log.read_text().splitlines()
    assert any(hanging["id"] in line and "no answer within 2 s" in line for line in log)


def test_a_body_without_end_is_not_read(calling: Service, receiver: Receiver) -> None:
    place = path()
    receiver.answers[place] = endless
    told = wait_for(calling, submit(calling, receiver.url + place))
    assert (told["attempts"], told["last_status"], told["last_error"]) == (1, 200, None)


def test_gone_ends_it(calling: Service, receiver: Receiver) -> None:
    place = path()
    receiver.answers[place] = with_status(410)
    told = wait_for(calling, submit(calling, receiver.url + place), "given_up")
    assert (told["attempts"], told["last_status"], told["next_at"]) == (1, 410, None)


def test_retry_after_is_heeded(calling: Service, receiver: Receiver) -> None:
    place = path()
    receiver.answers[place] = with_status(503, Retry_After="600")
    report = submit(calling, receiver.url + place)
    told = wait_for(calling, report, "due")
    assert (told["attempts"], told["last_status"]) == (1, 503)
    assert told["next_at"] > calling.report(report)["finished_at"]
    wait_for(calling, submit(calling, receiver.url + path()))  # which is looked for later
    assert callback(calling, report)["attempts"] == 1


def test_redirects_are_not_followed(
    calling: Service, receiver: Receiver, private: Receiver
) -> None:
    place = path()
    receiver.answers[place] = with_status(307, Location=private.url + place)
    told = wait_for(calling, submit(calling, receiver.url + place), "due", 2)
    assert told["last_status"] == 307
    receiver.answers[place] = with_status(302, Location=receiver.url + "/elsewhere")
    wait_until(lambda: len(receiver.received(place)) > 2, "another try")
    assert private.received(place) == [] == receiver.received("/elsewhere")


def test_a_name_that_changes_its_address_leads_nowhere(
    calling: Service, receiver: Receiver, private: Receiver
) -> None:
    place = path()
    name = f"{uuid.uuid4().hex}.test"
    answers = calling.folder / "names" / name
    answers.parent.mkdir(exist_ok=True)
    # Once where it may lead, and from then on where it must not: to who looks twice as well.
    answers.write_text("127.0.0.1 127.0.0.2")
    receiver.answers[place] = with_status(500)
    with Receiver("127.0.0.2") as trap:
        report = submit(calling, f"http://{name}:{receiver.port}{place}")
        told = wait_for(calling, report, "due", 3)
        assert told["last_error"] == "its address is not allowed"
        assert told["last_status"] is None
        (request,) = receiver.received(place)
        assert request.headers["Host"] == f"{name}:{receiver.port}"
        answers.write_text("127.0.0.2")
        other = submit(calling, f"http://{name}:{trap.port}{place}")
        wait_for(calling, other, "due", 2)
        assert trap.received() == []


def test_one_address_among_others_that_must_not_be_connected_to_is_enough(
    calling: Service, receiver: Receiver
) -> None:
    place, name = path(), f"{uuid.uuid4().hex}.test"
    answers = calling.folder / "names" / name
    answers.parent.mkdir(exist_ok=True)
    answers.write_text("127.0.0.1,127.0.0.2")
    told = wait_for(calling, submit(calling, f"http://{name}:{receiver.port}{place}"), "due")
    assert told["last_error"] == "its address is not allowed"
    assert receiver.received(place) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.2/", "not allowed"),
        ("http://2130706434/", "not allowed"),
        ("http://169.254.169.254/latest/meta-data/", "not allowed"),
        ("http://[::1]/", "not allowed"),
        ("http://[::ffff:10.0.0.1]/", "not allowed"),
        ("ftp://example.org/", "scheme"),
        ("http://me:secret@example.org/", "user or a password"),
        (f"http://example.org/{'x' * 2000}", "2000"),
        ("nonsense", "valid URL"),
    ],
)
def test_a_bad_callback_url_is_refused_at_once(calling: Service, url: str, words: str) -> None:
    body = {"dataset": "nile", "title": "x", "callback_url": url}
    answer = calling.http.post("/reports", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"] and "callback_url" in answer.json()["detail"]
    assert "secret" not in answer.text


def test_nothing_is_sent_unsigned(service: Service) -> None:
    body = {"dataset": service.put_nile(), "title": "x", "callback_url": "https://example.org/"}
    answer = service.http.post("/reports", json=body)
    assert answer.status_code == 422
    assert "CALLBACK_SECRET is not set" in answer.json()["detail"]
    assert service.report(service.submit(body["dataset"]))["callback"] is None


def test_a_callback_survives_the_server_and_is_one_sender_s(
    make_service: ServiceMaker, receiver: Receiver
) -> None:
    service = make_service(**SETTINGS)
    service.start("--workers 2")
    places = [path() for _ in range(10)]
    down = path()
    receiver.answers[down] = hang
    hanging = submit(service, receiver.url + down)
    reports = [submit(service, receiver.url + place) for place in places]
    for report in reports:
        wait_for(service, report)
    # Both processes looked for what is due; one of them sent it.
    assert [len(receiver.received(place)) for place in places] == [1] * 10
    wait_until(lambda: receiver.received(down), "the try that hangs")
    service.kill()
    receiver.answers[down] = with_status(200)
    service.start()
    told = wait_for(service, hanging)
    assert told["attempts"] >= 2
    assert len(ids(receiver.received(down))) == 1
    assert service.report(hanging)["status"] in ENDED


def test_without_certificates_the_service_does_not_start(make_service: ServiceMaker) -> None:
    service = make_service(**SETTINGS, SSL_CERT_FILE="/nowhere")
    for name in COMMANDS:
        service.start_command(name)
    wait_until(lambda: not service.is_running(), "the server to give up")
    assert "mend SSL_CERT_FILE" in service.log.read_text()
