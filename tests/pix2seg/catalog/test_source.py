import csv
import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.catalog.source import _pattern, list_source
from pix2seg.errors import CatalogError
from pix2seg.photo import read_photo


def files(source: Path | str, column: str | None = None) -> list[str]:
    return [item.file for item in list_source(str(source), column)]


def test_folders_and_globs(shop: Path) -> None:
    women = ["women/broken.jpg", "women/front0.jpg", "women/front1.jpg"]
    assert files(shop) == ["men/front0.jpg", "men/front1.jpg", *women]
    assert files(f"{shop}/*/front1.jpg") == ["men/front1.jpg", "women/front1.jpg"]
    assert files(f"{shop}/**/b*.jpg") == ["women/broken.jpg"]
    assert files(f"{shop}/[!m]*/*") == women
    with pytest.raises(CatalogError, match="no folder"):
        files(shop / "children")
    with pytest.raises(CatalogError, match=r"cannot read the glob \[z-a\]\*/\*"):
        files(f"{shop}/[z-a]*/*")


@given(st.text("ab/.", max_size=8))
def test_patterns_are_those_of_globs(path: str) -> None:
    assert bool(_pattern("**/*.a").fullmatch(path)) == path.endswith(".a")
    assert bool(_pattern("*/?").fullmatch(path)) == (
        path.count("/") == 1 and len(path.partition("/")[2]) == 1
    )


def test_lists(shop: Path, tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    there, far = str(shop / "men" / "front0.jpg"), "s3://bucket/a.jpg"
    rows = [{"id": i, "uri": uri} for i, uri in enumerate(["near/b.jpg", there, far])]
    with (tmp_path / "list.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "uri"])
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "list.parquet")
    for suffix in ("csv", "jsonl", "parquet"):
        found = list(list_source(str(tmp_path / f"list.{suffix}")))
        assert [item.uri for item in found] == [str(tmp_path / "near/b.jpg"), there, far]
        assert found[0].file == "near/b.jpg"
        with pytest.raises(CatalogError, match="no column 'photo'"):
            files(tmp_path / f"list.{suffix}", "photo")
    for suffix in ("csv", "jsonl"):  # as spreadsheets and editors save them
        marked = tmp_path / f"marked.{suffix}"
        marked.write_bytes(b"\xef\xbb\xbf" + (tmp_path / f"list.{suffix}").read_bytes())
        assert files(marked) == files(tmp_path / f"list.{suffix}")
    assert files(tmp_path / "marked.csv", "id") == ["0", "1", "2"]
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(CatalogError, match="no readable list"):
        files(tmp_path / "broken.parquet")
    with pytest.raises(CatalogError, match="--column"):
        files(shop, "uri")


def test_odd_lists(tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text('\n{"uri": "a.jpg"}\n \n{"uri": "b.jpg"}\n\n')
    assert files(tmp_path / "list.jsonl") == ["a.jpg", "b.jpg"]
    for name, text, message in (
        ("list.jsonl", '{"uri": "a.jpg"}\n"b.jpg"\n', "line 2, is no JSON object; write such as {"),
        ("list.jsonl", "[]\n", "line 1, is no JSON object"),
        ("list.jsonl", "{}\n", r"list\.jsonl is empty; give a list with a column 'uri'"),
        ("list.csv", "", r"list\.csv is empty; give a list with a column 'uri'"),
        (
            "list.csv",
            "a.jpg\nb.jpg\n",
            "begins with a photo; write 'uri' in a line above",
        ),
        ("list.csv", "path;n\na.jpg;1\n", r"list\.csv has no commas between its columns"),
        ("list.jsonl", '{"image": {"bytes": ""}}\n', "holds dict, which is no path or URI"),
        ("list.jsonl", '{"path": 5}\n', "holds int, which is no path"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(CatalogError, match=message):
            files(tmp_path / name)


def test_tars_are_read_in_place(shop: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "shop.tar", "w") as tar:
        tar.add(shop, "shop")
        info = tarfile.TarInfo("shop/front.json")
        tar.addfile(info, io.BytesIO())
    found = list(list_source(str(tmp_path / "shop.tar")))
    assert len(found) == 5
    for item in found:
        assert (
            item.read() == (shop.parent / shop.name / item.file.removeprefix("shop/")).read_bytes()
        )
    assert files(tmp_path) == [f"shop/{item.file}" for item in found]
    with tarfile.open(tmp_path / "shop.tar", "a") as tar:  # somebody retouched a photo
        tar.add(shop / "men" / "front1.jpg", "shop/men/front0.jpg")
    again = {item.file: item.read() for item in list_source(str(tmp_path / "shop.tar"))}
    assert len(again) == 5
    assert again["shop/men/front0.jpg"] == (shop / "men" / "front1.jpg").read_bytes()
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as tar:
        tar.add(shop, "shop")
    with pytest.raises(CatalogError, match="uncompressed tar"):
        files(tmp_path / "packed.tar")


def test_sources_are_the_same_however_they_are_named(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "shop.tar", "w") as tar:
        tar.add(shop, "shop")
    for name in ("a#1.jpg", "b%20c.jpg"):
        shutil.copy(shop / "men" / "front0.jpg", tmp_path / name)
    listed = [{"uri": "a#1.jpg"}, {"uri": "b%20c.jpg"}]
    (tmp_path / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in listed))
    monkeypatch.chdir(tmp_path)
    for name in ("shop.tar", "list.jsonl"):
        whole = list(list_source(str(tmp_path / name)))
        assert list(list_source(name)) == list(list_source((tmp_path / name).as_uri())) == whole
        assert all(read_photo(item.read()).width for item in whole if "broken" not in item.uri)


def test_odd_names_are_read(shop: Path, tmp_path: Path) -> None:
    data = (shop / "men" / "front0.jpg").read_bytes()
    names = ["a b.jpg", "写真.jpg", "dbl[1  2].jpg", "a#b.jpg", "100%.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(data)
    with open(os.fsencode(tmp_path) + b"/caf\xe9.jpg", "wb") as file:  # noqa: PTH123
        file.write(data)
    with tarfile.open(tmp_path / "no#1.TAR", "w") as tar:
        for name in ("a#b.jpg", "x.tar#y/b.jpg"):
            tar.add(tmp_path / "a b.jpg", name)
    found = list(list_source(str(tmp_path)))
    assert len(found) == len(names) + 3
    for item in found:
        item.uri.encode()
        assert read_photo(item.read()).width


@pytest.mark.parametrize("whole", [True, False])
def test_a_tar_that_is_damaged_or_cut_off_is_refused(
    shop: Path, tmp_path: Path, whole: bool
) -> None:
    with tarfile.open(tmp_path / "shop.tar", "w") as tar:
        tar.add(shop, "shop")
        second = tar.getmembers()[2].offset
    data = bytearray((tmp_path / "shop.tar").read_bytes())
    data[second : second + 100] = b"\xff" * 100
    (tmp_path / "shop.tar").write_bytes(data if whole else data[: second + 100])
    with pytest.raises(CatalogError, match=f"at byte {second}: damaged or cut off"):
        files(tmp_path / "shop.tar")
