import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pix2seg import Segmenter
from pix2seg.colors.document import palette_schema
from pix2seg.garments import kinds
from pix2seg.photo import read_photo
from pix2seg.serve.description import EXAMPLE
from pix2seg.serve.guard import ROUTES
from pix2seg.serve.options import SegmentOptions

Running = Callable[..., AbstractContextManager[httpx.Client]]

JPEG = {"Content-Type": "image/jpeg"}

WORKING = ("/v1/palette", "/v1/segment")
"""What takes photos."""


def picture(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def png(pixels: NDArray[np.uint8 | np.bool_]) -> bytes:
    data = BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def post(
    service: httpx.Client, photo: Path, path: str = "/v1/segment", **fields: str
) -> httpx.Response:
    return service.post(path, files={"photo": (photo.name, photo.read_bytes())}, data=fields)


@pytest.fixture(scope="module")
def segmenter(small_weights: Path) -> Segmenter:
    return Segmenter(small_weights, person="none")


def test_a_form_gives_the_document_that_the_command_writes(
    service: httpx.Client, segmenter: Segmenter, photos: list[Path]
) -> None:
    answer = post(service, photos[0])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    jsonschema.validate(answer.json(), palette_schema())
    assert answer.json() == json.loads(json.dumps(segmenter(photos[0]).colors().document()))


def test_a_raw_body_gives_the_same_but_for_the_name(
    service: httpx.Client, photos: list[Path]
) -> None:
    raw = service.post(
        "/v1/segment?max_colors=2&names=xkcd", content=photos[0].read_bytes(), headers=JPEG
    ).json()
    form = post(service, photos[0], max_colors="2", names="xkcd").json()
    assert raw["image"].pop("file") == "image"
    assert form["image"].pop("file") == photos[0].name
    assert raw == form
    assert all(len(c["colors"]) <= 2 for c in raw["classes"].values())


def test_pictures_are_those_of_the_segmenter(
    service: httpx.Client, segmenter: Segmenter, photos: list[Path]
) -> None:
    result = segmenter(photos[1])
    pictures = post(service, photos[1], pictures="mask, overlay,map,cutouts").json()["pictures"]
    shown = ["person", *[n for n in result.scheme.foreground if result.where(n).any()]]
    assert set(pictures) == {"mask", "overlay", "map", *shown}
    decoded = {name: picture(base64.b64decode(data)) for name, data in pictures.items()}
    assert np.array_equal(np.asarray(decoded["mask"]), result.mask)
    assert decoded["mask"].mode == "P"
    assert np.array_equal(np.asarray(decoded["overlay"]), np.asarray(result.overlay()))
    assert np.array_equal(np.asarray(decoded["map"]), result.map)
    for name in shown:
        assert np.array_equal(np.asarray(decoded[name]), np.asarray(result.cutout(name)))


def test_accept_png_gives_the_picture_itself(
    service: httpx.Client, segmenter: Segmenter, photos: list[Path]
) -> None:
    def ask(accept: str, query: str = "") -> httpx.Response:
        return service.post(
            f"/v1/segment{query}",
            content=photos[0].read_bytes(),
            headers={**JPEG, "Accept": accept},
        )

    answer = ask("image/png", "?picture=mask")
    assert answer.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(picture(answer.content)), segmenter(photos[0]).mask)
    assert ask("*/*", "?picture=overlay").headers["content-type"] == "image/png"
    assert ask("image/png").json()["errors"][0]["option"] == "picture"
    assert ask("text/html").status_code == 406
    for accept, status in (("image/png", 406), ("text/html, application/*;q=0.9", 200)):
        headers = {**JPEG, "Accept": accept}
        answer = service.post("/v1/palette", content=photos[0].read_bytes(), headers=headers)
        assert answer.status_code == status


def test_the_person_stands_before_another_background(
    service: httpx.Client, segmenter: Segmenter, photos: list[Path]
) -> None:
    answer = post(service, photos[0], picture="person", background="#1b2a3c")
    shown = np.asarray(picture(answer.content))
    assert np.array_equal(shown, np.asarray(segmenter(photos[0]).before("#1b2a3c")))
    for wrong, message in (
        ({"background": "white"}, "picture=person"),
        ({"picture": "mask", "background": "white"}, "picture=person"),
        ({"picture": "person", "background": "white", "hard_edges": "true"}, "soft edges"),
        ({"picture": "person", "background": "mauve"}, "is none of grey, black, white, blur"),
    ):
        answer = post(service, photos[0], **wrong)
        assert answer.status_code == 422
        assert message in answer.json()["detail"]


def test_a_corrected_mask_changes_the_palette(service: httpx.Client, photos: list[Path]) -> None:
    truth = np.array(Image.open(photos[0].with_suffix(".png")))
    colors = np.array([[0, 0, 0], [255, 255, 0], [0, 255, 255], [255, 0, 255]], np.uint8)

    def ask(mask: NDArray[np.uint8], **fields: str) -> httpx.Response:
        files = {"photo": (photos[0].name, photos[0].read_bytes()), "mask": ("mask", png(mask))}
        return service.post("/v1/palette", files=files, data=fields)

    document = ask(truth, classes="true").json()
    jsonschema.validate(document, palette_schema())
    for class_id, name in enumerate(("skin", "hair", "clothes"), 1):
        share = (truth == class_id).mean()
        assert document["classes"][name]["coverage"] == pytest.approx(share, abs=1e-6)
    assert ask(colors[truth], classes="true").json() == document  # what a canvas gives
    assert list(ask(truth).json()["classes"]) == ["photo"]
    without_skin = ask(np.where(truth == 1, 0, truth).astype(np.uint8), classes="true").json()
    assert without_skin["classes"]["skin"]["colors"] == []
    for wrong, message in (
        (truth[1:], "a mask of the photo's upright size"),
        (truth + np.uint8(9), "the classes are 0 to 3"),
        (colors[truth] // np.uint8(2), "colours that are no class"),
    ):
        problem = ask(wrong, classes="true")
        assert problem.status_code == 400
        assert message in problem.json()["detail"]


def test_a_corrected_mask_gives_pictures_and_garments(
    service: httpx.Client, photos: list[Path]
) -> None:
    truth = np.array(Image.open(photos[0].with_suffix(".png")))
    trousers, coat = kinds().id_of("trousers"), kinds().id_of("outerwear")
    below = np.arange(len(truth))[:, None] > len(truth) // 2
    garments = np.where(truth == 3, np.where(below, trousers, coat), truth).astype(np.uint8)
    files = {
        "photo": (photos[0].name, photos[0].read_bytes()),
        "mask": ("mask", png(truth)),
        "garments": ("garments", png(garments)),
    }
    wanted = {"classes": "true", "pictures": "photo,mask,garments,cutouts"}
    answer = service.post("/v1/palette", files=files, data=wanted).json()
    pictures = {
        n: np.asarray(picture(base64.b64decode(t))) for n, t in answer.pop("pictures").items()
    }
    jsonschema.validate(answer, palette_schema())
    assert answer["quality"] is None
    for garment in answer["garments"]:
        share = (garments == kinds().id_of(garment["kind"])).mean()
        assert garment["coverage"] == pytest.approx(share, abs=1e-6)
    assert {g["kind"] for g in answer["garments"]} == {"trousers", "outerwear"}
    assert np.array_equal(pictures["mask"], truth)
    assert np.array_equal(pictures["garments"], garments)
    assert np.array_equal(pictures["photo"], read_photo(photos[0]).pixels)
    assert {"person", "clothes", "trousers", "outerwear"} < set(pictures)
    assert not pictures["trousers"][~below[:, 0]][: len(truth) // 3, :, 3].any()
    one = service.post("/v1/palette", files=files, data=wanted | {"pictures": "outerwear"}).json()
    alone = np.asarray(picture(base64.b64decode(one["pictures"]["outerwear"])))
    assert np.array_equal(alone, pictures["outerwear"])
    wrong = service.post("/v1/palette", files=files, data=wanted | {"pictures": "selfie"})
    assert wrong.status_code == 422


def test_one_garment_comes_as_a_cut_out(
    running: Running, garment_weights: Path, photos: list[Path]
) -> None:
    result = Segmenter(garment_weights, person="none")(photos[0])
    kind = result.garments()[0].kind
    with running(weights=garment_weights) as service:
        assert kind in service.get("/v1/info").json()["pictures"]
        answer = post(service, photos[0], picture=kind)
        assert answer.headers["content-type"] == "image/png"
        assert np.array_equal(np.asarray(picture(answer.content)), np.asarray(result.cutout(kind)))
        assert "no picture 'selfie'" in post(service, photos[0], picture="selfie").json()["detail"]


def test_exports_come_with_the_document(service: httpx.Client, photos: list[Path]) -> None:
    answer = post(service, photos[0], "/v1/palette", exports="gpl,ase,css,tokens").json()
    data = {name: base64.b64decode(e["base64"]) for name, e in answer["exports"].items()}
    assert data["gpl"].startswith(b"GIMP Palette")
    assert data["ase"].startswith(b"ASEF")
    assert b":root {" in data["css"]
    assert "photo" in json.loads(data["tokens"])
    assert answer["exports"]["tokens"]["file"] == f"{photos[0].stem}.tokens.json"


def test_what_would_be_ignored_is_refused(service: httpx.Client, photos: list[Path]) -> None:
    photo = (photos[0].name, photos[0].read_bytes())
    mask = ("mask.png", photos[0].with_suffix(".png").read_bytes())
    classes = {"classes": "true"}

    def ask(path: str, *files: tuple[str, tuple[str, bytes]], **fields: str) -> httpx.Response:
        return service.post(path, files=[("photo", photo), *files], data=fields)

    segment, palette = "/v1/segment", "/v1/palette"
    for answer, status, sentence in (
        (ask(segment, ("mask", mask)), 400, "there is no file 'mask' here; send 'photo'"),
        (ask(palette, ("hat", mask)), 400, "no file 'hat' here; send 'photo', perhaps 'mask'"),
        (ask(segment, ("photo", photo)), 400, "there are 2 files 'photo'; send one"),
        (ask(palette, ("mask", mask), ("mask", mask)), 400, "there are 2 files 'mask'"),
        (ask(palette, ("garments", mask)), 422, "a file 'garments' needs classes=true"),
        (ask(palette, ("mask", mask), pictures="mask"), 422, "pictures need classes=true"),
        *(
            (
                ask(palette, ("mask", mask), pictures=picture, **classes),
                422,
                "there are no garments to show; send a file 'garments'",
            )
            for picture in ("garments", "hat")
        ),
    ):
        assert answer.status_code == status, answer.text
        assert sentence in answer.json()["detail"]
    assert ask(palette, ("mask", mask)).status_code == 200
    assert ask(palette, pictures="").status_code == 200


def test_what_a_mask_hides_does_not_count(service: httpx.Client, photos: list[Path]) -> None:
    truth = np.array(Image.open(photos[0].with_suffix(".png")))
    clothes = truth == 3

    def ask(mask: bytes, **fields: str) -> dict[str, Any]:
        files = {"photo": (photos[0].name, photos[0].read_bytes()), "mask": ("mask", mask)}
        answer = service.post("/v1/palette", files=files, data=fields)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    grey = np.where(clothes, 255, 0).astype(np.uint8)
    white, half = np.full_like(grey, 255), np.where(clothes, 128, 127).astype(np.uint8)
    expected = ask(png(grey))
    indexed = BytesIO()
    Image.fromarray(np.where(clothes, 2, 1).astype(np.uint8)).save(indexed, "PNG", transparency=1)
    assert ask(indexed.getvalue()) == ask(png(clothes)) == expected
    ones = ask(png(clothes), classes="true")["classes"]  # of one bit a pixel
    assert ones["skin"]["coverage"] == pytest.approx(clothes.mean(), abs=1e-6)
    for channels in ([white, grey], [white, half], [grey, white], [white] * 3 + [grey]):
        assert ask(png(np.dstack(channels))) == expected
    assert ask(png(np.dstack([truth, grey])), classes="true") == ask(
        png(np.where(clothes, truth, 0).astype(np.uint8)), classes="true"
    )


def test_addresses_say_which_methods_they_take(service: httpx.Client) -> None:
    for method, path, allowed in (
        ("GET", "/v1/segment", "POST"),
        ("HEAD", "/v1/palette", "POST"),
        ("POST", "/v1/info", "GET, HEAD"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/nothing", "GET, HEAD"),
    ):
        answer = service.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", [*(r for r in ROUTES if r not in WORKING), "/", "/app.js"])
def test_what_answers_get_answers_head(service: httpx.Client, path: str) -> None:
    got, head = service.get(path), service.head(path)
    assert head.status_code == got.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("query", "option", "sentence"),
    [
        ("max_colors=0", "max_colors", "greater than or equal to 1"),
        ("max_colors=a", "max_colors", "valid integer"),
        ("garments=perhaps", "garments", "boolean"),
        ("names=french", "names", "'css', 'xkcd' or 'basic'"),
        ("pictures=mask,selfie", "pictures", "no picture 'selfie'; there are photo, mask"),
        ("picture=selfie", "picture", "no picture 'selfie'; there are photo, mask"),
        ("picture=top", "picture", "no picture 'top'"),  # these weights name no garments
        ("picture=cutouts", "picture", "cutouts are several; ask for pictures=cutouts"),
        ("exports=psd", "exports", "'gpl', 'ase'"),
        ("person_box=40,10,30,700", "person_box", "is no box; write left,top,right,bottom"),
        ("everyone=1&person_box=0,0,9,9", "person_box", "names one person; leave everyone out"),
        ("picture=mask&pictures=map", "picture", "leave pictures and exports out"),
        ("picture=mask&exports=css", "picture", "leave pictures and exports out"),
        ("colour=red", "colour", "no option 'colour'; there are max_colors"),
    ],
)
def test_options_that_do_not_fit_are_named(
    service: httpx.Client, photos: list[Path], query: str, option: str, sentence: str
) -> None:
    answer = service.post(f"/v1/segment?{query}", content=photos[0].read_bytes(), headers=JPEG)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert [error["option"] for error in problem["errors"]] == [option]
    assert sentence in problem["detail"]
    assert problem["request"] == answer.headers["x-request-id"]


def test_every_error_is_a_problem_document(service: httpx.Client, photos: list[Path]) -> None:
    photo = photos[0].read_bytes()
    large = png(np.zeros((2000, 1001), np.uint8))
    asked = [
        (service.post("/v1/segment", content=photo[:4000], headers=JPEG), 400, "photo-broken"),
        (service.post("/v1/segment", content=b"", headers=JPEG), 400, "bad-request"),
        (service.post("/v1/segment", files={"picture": photo}), 400, "bad-request"),
        (service.post("/v1/segment", files={"photo": b""}), 400, "bad-request"),
        (service.post("/v1/segment", content=b"no photo", headers=JPEG), 415, "photo-type"),
        (service.post("/v1/segment", json={"photo": "url"}), 415, "photo-type"),
        (service.post("/v1/segment", data={"photo": "url"}), 415, "photo-type"),
        (service.post("/v1/segment", content=large), 413, "photo-too-large"),
        (service.post("/v1/segment", content=bytes(400_001)), 413, "upload-too-large"),
        (service.post("/v1/segment?everyone=1", content=photo, headers=JPEG), 422, "options"),
        (service.post("/v1/segment?garments=1", content=photo, headers=JPEG), 422, "options"),
        (service.get("/v1/segment"), 405, "method"),
        (service.get("/etc/passwd"), 404, "not-found"),
        (service.get("/v1/info/"), 404, "not-found"),
        (service.get("/..%2f..%2fapp.py"), 404, "not-found"),
    ]
    for answer, status, kind in asked:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == f"urn:pix2seg:problem:{kind}"
        assert problem["status"] == status
        assert problem["detail"]
        assert "\n" not in problem["detail"]


def test_schema_info_and_description(service: httpx.Client) -> None:
    assert service.get("/v1/schema").json() == palette_schema()
    info = service.get("/v1/info").json()
    assert [c["name"] for c in info["classes"]] == ["background", "skin", "hair", "clothes"]
    assert {"image/jpeg", "image/png", "image/webp"} <= set(info["types"])
    assert info["limits"]["max_upload"] == 400_000
    jsonschema.validate(EXAMPLE, palette_schema())
    description = service.get("/openapi.json").json()
    segment = description["paths"]["/v1/segment"]["post"]
    names = {parameter["name"] for parameter in segment["parameters"]}
    assert names == set(SegmentOptions.model_fields)
    statuses = {"200", "400", "401", "406", "408", "413", "415", "422", "429", "503"}
    assert set(segment["responses"]) == statuses
    form = segment["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(form) == {"photo", *names}
    for reference in references(description):
        found = description
        for key in reference.removeprefix("#/").split("/"):
            found = found[key]


def test_a_request_may_choose_its_person(running: Running, photos: list[Path]) -> None:
    photo = read_photo(photos[0])
    half = photo.width // 2, 0, photo.width, photo.height
    with running(person="grabcut") as client:
        boxed = client.post(
            f"/v1/segment?person_box={','.join(map(str, half))}",
            content=photos[0].read_bytes(),
            headers=JPEG,
        ).json()
        free = client.post("/v1/segment", content=photos[0].read_bytes(), headers=JPEG).json()
    assert boxed["person"]["box"][0] >= half[0]
    assert free["person"]["box"][0] < half[0]


def test_a_request_has_a_say_where_the_service_was_told_to_keep_everyone(
    running: Running, small_mask_rcnn: Path, photos: list[Path]
) -> None:
    photo = photos[0].read_bytes()
    options = {"weights": small_mask_rcnn, "everyone": True}
    with running(person="mask-rcnn", person_options=options) as client:
        asked = ("", "?everyone=false", "?person_box=0,0,100,100")
        answers = [client.post(f"/v1/segment{q}", content=photo, headers=JPEG) for q in asked]
    people = [len(answer.json().get("people", [])) for answer in answers]
    assert people[0] > 1
    assert people[1:] == [0, 0]


def test_description_page_needs_nothing_from_elsewhere(service: httpx.Client) -> None:
    page = service.get("/docs").text
    for text in (
        "POST /v1/segment",
        "max_colors",
        "application/problem+json",
        "The photo is broken",
    ):
        assert text in page
    for text in ("http://", "https://json-schema", "<script", "style="):
        assert text not in page
    assert service.get("/reference.css").headers["content-type"].startswith("text/css")


def references(value: object) -> list[str]:
    if isinstance(value, list):
        return [r for item in value for r in references(item)]
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [r for item in value.values() for r in references(item)]
    return []
