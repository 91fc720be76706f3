import os
from pathlib import Path

import pytest

from pix2seg.errors import OutputError, PhotoError
from pix2seg.inputs import (
    InputPhoto,
    check_name,
    check_overwriting,
    find_photos,
    is_result,
    result_bases,
    told_apart,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.jpg", "a.PNG", "in/c.webp", "in/[d].jpg", ".hidden.jpg", ".cache/e.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "photos" / "notes.txt").touch()
    return tmp_path / "photos"


def found(arguments: list[str | Path]) -> list[InputPhoto]:
    photos, wrong = find_photos(arguments)
    assert not wrong
    return photos


def relative(photos: list[InputPhoto]) -> list[str]:
    return [photo.relative.as_posix() for photo in photos]


def test_folder_is_walked_and_its_structure_kept(folder: Path) -> None:
    assert relative(found([folder])) == ["a.PNG", "b.jpg", "in/[d].jpg", "in/c.webp"]


def test_file_is_taken_whatever_its_name(folder: Path) -> None:
    photos = found([folder / "notes.txt", folder / "in" / "[d].jpg", "gone.jpg"])
    assert relative(photos) == ["notes.txt", "[d].jpg", "gone.jpg"]


def test_globs_are_expanded(folder: Path) -> None:
    assert relative(found(["photos/*.jpg"])) == ["b.jpg"]
    assert relative(found(["photos/**/*.webp"])) == ["in/c.webp"]


def test_globs_leave_out_what_is_hidden_or_no_photo(folder: Path) -> None:
    (folder / "folder.jpg").mkdir()
    photos = found(["photos/**"])
    assert relative(photos) == ["a.PNG", "b.jpg", "in/[d].jpg", "in/c.webp"]
    assert relative(found([str(folder / "?.jpg")])) == ["b.jpg"]


def test_folders_named_like_photos_and_hidden_ones(folder: Path) -> None:
    (folder / "folder.jpg").mkdir()
    (folder / "folder.jpg" / "f.jpg").touch()
    assert "folder.jpg/f.jpg" in relative(found([folder]))
    assert "folder.jpg" not in relative(found([folder]))
    # What is asked for by name is no secret.
    assert relative(found([folder / ".cache", folder / ".hidden.jpg"])) == [
        "e.jpg",
        ".hidden.jpg",
    ]


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "circle.jpg", "b.jpg/c.jpg"])
def test_what_cannot_be_looked_at_is_left_to_the_reader(folder: Path, name: str) -> None:
    (folder / "circle.jpg").symlink_to("circle.jpg")
    assert [p.path for p in found([folder / name])] == [folder / name]


def test_links_to_one_photo_are_one(folder: Path) -> None:
    (folder / "link.jpg").symlink_to("b.jpg")
    assert relative(found([folder / "b.jpg", folder / "link.jpg"])) == ["b.jpg"]


def test_each_photo_comes_once(folder: Path) -> None:
    photos = found([folder / "b.jpg", folder, "photos/../photos/b.jpg"])
    assert relative(photos) == ["b.jpg", "a.PNG", "in/[d].jpg", "in/c.webp"]


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("photos/*.tif", "no photo matches"),
        ("photos/.cache/none*", "no photo matches"),
        ("empty.jpg", r"empty\.jpg is a folder without photos"),
        ("https://shop.example/a.jpg", "download the photo first"),
    ],
)
def test_what_names_no_photo_is_told_and_the_rest_is_done(
    folder: Path, argument: str, reason: str
) -> None:
    Path("empty.jpg").mkdir()
    photos, wrong = find_photos([argument, folder / "b.jpg"])
    assert relative(photos) == ["b.jpg"]
    (error,) = wrong
    with pytest.raises(PhotoError, match=reason):
        raise error


def test_photos_that_differ_in_their_suffix_alone_are_told_apart(folder: Path) -> None:
    (folder / "b.PNG").touch()
    (folder / "B.webp").touch()
    stems = [photo.stem.as_posix() for photo in told_apart(found([folder]))]
    assert len({stem.casefold() for stem in stems}) == len(stems)
    assert sum(stem.casefold() == "b" for stem in stems) == 1


@pytest.mark.parametrize(
    "arguments",
    [["A/b.jpg", "B/b.jpg", "A/c.jpg"], ["A", "B"], ["*/?.jpg"], ["A", "B/*.jpg"]],
)
def test_photos_of_one_name_are_called_by_their_paths(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str | Path]
) -> None:
    for name in ("A/b.jpg", "A/c.jpg", "B/b.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    monkeypatch.chdir(folder)
    photos = told_apart(found(["-", *arguments]))
    assert sorted(relative(photos)) == ["A/b.jpg", "A/c.jpg", "B/b.jpg", "stdin"]
    assert {photo.stem.as_posix() for photo in photos} == {"A/b", "A/c", "B/b", "stdin"}
    # Without another of its name, each has a short one.
    (folder / "B/b.jpg").rename(folder / "B/d.jpg")
    assert relative(told_apart(found(["A", "B"]))) == ["b.jpg", "c.jpg", "d.jpg"]


def test_colliding_results_are_refused(tmp_path: Path) -> None:
    photos = found([tmp_path / name for name in ("a.jpg", "a.JPG", "A.jpg")])
    with pytest.raises(OutputError) as error:
        told_apart(photos)
    assert str(photos[1].path) in str(error.value)
    assert str(photos[2].path) in str(error.value)


def test_same_name_in_different_folders_does_not_collide(folder: Path) -> None:
    (folder / "in" / "b.jpg").touch()
    told_apart(found([folder]))


def test_stem_loses_only_the_suffix(tmp_path: Path) -> None:
    (photo,) = found([tmp_path / "shop.v2.jpg"])
    assert photo.stem == Path("shop.v2")


def test_photos_in_the_output_folder_are_photos_and_results_are_not(tmp_path: Path) -> None:
    results = {"a.mask.png", "a.overlay.png", "a.person1.map.png", "a.shoes.png", "gone.alpha.png"}
    results |= {"gone.grey.png"}
    for name in results | {"a.jpg", "b.v2.png", "c.grey.png", "d.shoes.png"}:
        (tmp_path / name).touch()
    bases = result_bases(found([tmp_path / "a.jpg"]), tmp_path)
    told = {p.name for p in tmp_path.iterdir() if is_result(p, tmp_path, bases)}
    assert told == results
    assert not is_result(tmp_path / "a.mask.png", tmp_path / "elsewhere", bases)


def test_results_that_would_replace_a_photo_are_refused(tmp_path: Path) -> None:
    for replaced in ("a.mask.png", "a.person2.mask.png"):
        photos = found([tmp_path / name for name in ("a.jpg", "b.jpg", replaced)])
        check_overwriting(photos, tmp_path / "out")
        check_overwriting(photos[:2], tmp_path)
        with pytest.raises(OutputError, match=rf"results of .*a\.jpg might replace .*{replaced}"):
            check_overwriting(photos, tmp_path)
        check_overwriting(photos, tmp_path / "out", tmp_path)
    photos = found([tmp_path / name for name in ("a.jpg", "a.overlay.png")])
    with pytest.raises(OutputError, match=r"name another folder with --review"):
        check_overwriting(photos, tmp_path / "out", tmp_path)


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").symlink_to(tmp_path / "gone.jpg")
    assert relative(found([tmp_path])) == ["a.jpg", "b.jpg"]


def test_a_circle_of_links_gives_each_photo_its_shortest_name(tmp_path: Path) -> None:
    (tmp_path / "shop" / "a").mkdir(parents=True)
    (tmp_path / "shop" / "a" / "one.png").touch()
    (tmp_path / "shop" / "a" / "loop").symlink_to("..")
    assert relative(found([f"{tmp_path}/shop/**/*.png"])) == ["a/one.png"]


def test_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    photos = found([tmp_path / name for name in ("été.jpg", os.fsdecode(b"\xff.jpg"))])
    check_name(photos[0])
    with pytest.raises(PhotoError, match="is not UTF-8"):
        check_name(photos[1])


def test_a_photo_named_like_somebodys_results_is_told_apart(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.person1.jpg", "b.person2.jpg"):
        (tmp_path / name).touch()
    photos, _ = find_photos([tmp_path])
    assert [photo.stem.name for photo in told_apart(photos)] == [
        "a",
        "a.person1.jpg",
        "b.person2",
    ]


def test_an_empty_name_is_not_the_current_folder() -> None:
    photos, (wrong,) = find_photos([""])
    assert photos == []
    assert "an empty name is no photo" in str(wrong)
