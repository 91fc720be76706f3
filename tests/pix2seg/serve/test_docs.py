"""What docs/service.md says holds."""

import re
from pathlib import Path

import httpx
import pytest

from pix2seg.serve.guard import ROUTES
from pix2seg.serve.problems import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "service.md").read_text("utf-8")


def test_every_address_and_problem_is_documented() -> None:
    for name in (*ROUTES, *KINDS):
        assert f"{name}`" in PAGE
    for kind, (status, _) in KINDS.items():
        row = next(line for line in PAGE.splitlines() if f"`{kind}`" in line)
        assert str(status) in row.split("|")[1]


def test_the_python_client_runs(
    service: httpx.Client,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (client,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert "http://127.0.0.1:8000" in client
    (tmp_path / "photo.jpg").write_bytes(photos[0].read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(client.replace("http://127.0.0.1:8000", str(service.base_url)), {})
    assert {f.name for f in tmp_path.glob("*.png")} == {"photo.mask.png", "photo.clothes.png"}
    assert "#" in capsys.readouterr().out
