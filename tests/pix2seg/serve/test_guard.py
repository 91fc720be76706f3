import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from pix2seg.serve.app import create_app
from pix2seg.serve.log import JsonLines
from pix2seg.serve.settings import Settings

Running = Callable[..., AbstractContextManager[httpx.Client]]

JPEG = {"Content-Type": "image/jpeg"}


def test_every_answer_has_the_security_headers(service: httpx.Client) -> None:
    for path in ("/", "/docs", "/v1/info", "/nothing", "/healthz"):
        headers = service.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_tokens_are_asked_for_where_there_is_work(running: Running, photos: list[Path]) -> None:
    photo = photos[0].read_bytes()
    with running(tokens=("först", "second")) as client:
        for headers in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer secon"},
            {"Authorization": "Basic second"},
            {"Authorization": b"Bearer \xff\xfe"},
        ):
            answer = client.post("/v1/segment", content=photo, headers={**JPEG, **headers})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get("/metrics").status_code == 401
        for token in ("först", "second"):
            bearer = {"Authorization": f"Bearer {token}".encode()}
            answer = client.post("/v1/palette", content=photo, headers={**JPEG, **bearer})
            assert answer.status_code == 200
        for path in ("/healthz", "/readyz", "/v1/info", "/v1/schema"):
            assert client.get(path).status_code == 200
        assert client.get("/v1/info").json()["token"]


def test_other_sites_may_call_only_if_named(running: Running, photos: list[Path]) -> None:
    photo = photos[0].read_bytes()
    shop, other = {"Origin": "https://shop.example"}, {"Origin": "https://other.example"}
    with running() as client:
        own = {"Origin": str(client.base_url).rstrip("/")}
        for headers, status in ((own, 200), (shop, 403), ({"Origin": "null"}, 403)):
            answer = client.post("/v1/palette", content=photo, headers={**JPEG, **headers})
            assert answer.status_code == status
            assert "access-control-allow-origin" not in answer.headers
    with running(origins=("https://shop.example",)) as client:
        answer = client.post("/v1/palette", content=photo, headers={**JPEG, **shop})
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        asked = {"Access-Control-Request-Method": "POST"}
        assert client.options("/v1/palette", headers={**shop, **asked}).status_code == 200
        assert client.options("/v1/palette", headers={**other, **asked}).status_code == 400
        answer = client.post("/v1/palette", content=photo, headers={**JPEG, **other})
        assert answer.status_code == 403


def test_a_name_that_leads_here_makes_no_page_ours(running: Running, photos: list[Path]) -> None:
    photo = photos[0].read_bytes()

    def ask(client: httpx.Client, host: str, **origin: str) -> int:
        headers = {**JPEG, "Host": host, **origin}
        return client.post("/v1/palette", content=photo, headers=headers).status_code

    with running(origins=("https://proxied.example",)) as client:
        for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000", "192.0.2.7"):
            assert ask(client, host, Origin=f"http://{host}") == 200
        for host in ("evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"):
            assert ask(client, host, Origin=f"http://{host}") == 403
        for host in ("[", ""):
            assert ask(client, host, Origin=f"http://{host}") == 403
        assert ask(client, "proxied.example", Origin="https://proxied.example") == 200
        assert ask(client, "container:8000") == 200  # a program, not a page


def test_a_name_is_ours_where_the_network_reaches_the_service(small_weights: Path) -> None:
    app = create_app(Settings(weights=small_weights, person="none"))

    async def ask(address: str) -> int:
        named = {**JPEG, "Host": "photos.lan:8000", "Origin": "http://photos.lan:8000"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{address}:8000"
        ) as client:
            answer = await client.post("/v1/palette", content=b"", headers=named)
        return answer.status_code

    assert asyncio.run(ask("127.0.0.1")) == 403
    assert asyncio.run(ask("192.0.2.7")) not in (200, 403)  # it is asked for what was sent


def test_a_client_with_too_many_requests_is_told(running: Running, photos: list[Path]) -> None:
    photo = photos[0].read_bytes()
    with running(per_client=2) as client:
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(client.post("/v1/segment", content=photo, headers=JPEG))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 429}
        refused = next(a for a in answers if a.status_code == 429)
        assert refused.headers["retry-after"] == "1"
        ask()
        assert answers[-1].status_code == 200


def test_the_log_has_a_line_a_request_and_no_names(
    service: httpx.Client, photos: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("pix2seg.serve")
    logger.propagate = True
    with caplog.at_level(logging.INFO, "pix2seg.serve"):
        service.post("/v1/segment?names=css", files={"photo": ("anna.jpg", photos[0].read_bytes())})
        service.get("/anna.html?secret=1")
    lines = [JsonLines().format(record) for record in caplog.records]
    text = "\n".join(lines)
    assert len(lines) == 2
    assert "anna" not in text
    assert "secret" not in text
    facts = caplog.records[0].facts  # type: ignore[attr-defined]
    assert facts["route"] == "/v1/segment"
    assert facts["status"] == 200
    assert (facts["width"], facts["height"]) == (550, 810)
    assert set(facts["steps"]) == {"upload", "wait", "read", "segment", "answer"}
    assert sum(facts["steps"].values()) <= facts["seconds"] + 0.01


def test_faults_stay_inside(
    running: Running, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of ours")

    with running() as client:
        monkeypatch.setattr("pix2seg.serve.app.segment_answer", fail)
        answer = client.post("/v1/segment", content=photos[0].read_bytes(), headers=JPEG)
        assert answer.status_code == 500
        assert answer.json()["type"] == "urn:pix2seg:problem:fault"
        assert "secret" not in answer.text
        monkeypatch.undo()
        assert client.post("/v1/segment", content=photos[0].read_bytes(), headers=JPEG).is_success


def test_metrics_count_what_happens(running: Running, photos: list[Path]) -> None:
    with running() as client:
        for _ in range(3):
            client.post("/v1/segment", content=photos[0].read_bytes(), headers=JPEG)
        client.post("/v1/segment", content=b"no photo", headers=JPEG)
        lines = client.get("/metrics").text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values['pix2seg_requests_total{route="/v1/segment",status="200"}'] == "3.0"
    assert values['pix2seg_requests_total{route="/v1/segment",status="415"}'] == "1.0"
    for step, count in (("upload", 4), ("wait", 4), ("read", 4), ("segment", 3), ("answer", 3)):
        assert values[f'pix2seg_step_seconds_count{{step="{step}"}}'] == f"{count}.0"
    assert values["pix2seg_batch_photos_sum"] == "3.0"
    assert values["pix2seg_queue_requests"] == "0.0"
    assert float(values["pix2seg_memory_bytes"]) > 50e6
