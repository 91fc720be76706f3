"""The options of a request, named as on the command line."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from pix2seg.colors.names import NameList, named_background
from pix2seg.errors import ColorError
from pix2seg.limits import MOST_COLORS
from pix2seg.preprocess.fit import Box, parse_box
from pix2seg.saving import PERSON
from pix2seg.serve.problems import Problem

Export = Literal["gpl", "ase", "css", "tokens"]


def _split(value: Any) -> Any:
    """Names joined by commas, as a tuple."""
    return (
        tuple(filter(None, value.replace(" ", "").split(","))) if isinstance(value, str) else value
    )


def _box(value: Any) -> Any:
    """A box from its text."""
    return parse_box(value) if isinstance(value, str) else value


class PaletteOptions(BaseModel):
    """Options that `POST /v1/palette` and `POST /v1/segment` share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_colors: int | None = Field(
        None,
        ge=1,
        le=MOST_COLORS,
        description="At most so many colours a class (default 5; skin, hair 3).",
        examples=[5],
    )
    names: NameList = Field("css", description="The list that names the colours.")
    exports: Annotated[tuple[Export, ...], BeforeValidator(_split)] = Field(
        (),
        description="Palettes for other programs, joined by commas: gpl (GIMP), ase (Adobe), css, "
        "tokens (design tokens).",
        examples=["ase,css"],
    )


Pictures = Annotated[tuple[str, ...], BeforeValidator(_split)]


class MaskedPaletteOptions(PaletteOptions):
    """Options of `POST /v1/palette`, the mask's meaning among them."""

    classes: bool = Field(
        False,
        description="The mask's values are class ids of the model's scheme: a palette for each "
        "class. Without, all pixels that are not 0 count.",
    )
    pictures: Pictures = Field(
        (),
        description="With classes, pictures of the mask to add to the JSON, as /v1/segment's.",
        examples=["cutouts"],
    )


class SegmentOptions(PaletteOptions):
    """Options of `POST /v1/segment`."""

    garments: bool = Field(
        False,
        description="Also name the garments: their colours, and in the pictures overlay and "
        "cutouts each of them.",
    )
    everyone: bool | None = Field(
        None,
        description="Keep all people, or the most prominent one; default: as the service was "
        "started, or the person in person_box.",
    )
    person_box: Annotated[Box | None, BeforeValidator(_box)] = Field(
        None,
        description="Keep the person in this box: left,top,right,bottom in pixels.",
        examples=["40,10,300,700"],
    )
    hard_edges: bool = Field(False, description="Cut-outs end where the mask does.")
    pictures: Pictures = Field(
        (),
        description="Pictures to add to the JSON as base64 PNG, joined by commas: photo (upright "
        "and sRGB), mask, overlay, map, garments (the mask of their kinds), the cut-out of the "
        "person, of a class or of a kind of garments such as top, cutouts (the person, each class "
        "and, with garments=true, each garment that the photo shows).",
        examples=["mask,overlay"],
    )
    picture: str | None = Field(
        None, description="Answer with this one picture as image/png.", examples=["overlay"]
    )
    background: str | None = Field(
        None,
        description="With picture=person: the person before this background in place of none; "
        "grey, black, white, blur, #rrggbb or a CSS colour.",
        examples=["white"],
    )

    @field_validator("person_box")
    @classmethod
    def _one_person(cls, box: Box | None, info: ValidationInfo) -> Box | None:
        if box and info.data.get("everyone"):
            raise ValueError("it names one person; leave everyone out")
        return box

    @field_validator("picture")
    @classmethod
    def _alone(cls, picture: str | None, info: ValidationInfo) -> str | None:
        if picture and (info.data.get("pictures") or info.data.get("exports")):
            raise ValueError("it is all of the answer; leave pictures and exports out")
        return picture

    @field_validator("background")
    @classmethod
    def _behind_the_person(cls, background: str | None, info: ValidationInfo) -> str | None:
        if background is None:
            return None
        if info.data.get("picture") != PERSON or info.data.get("hard_edges"):
            raise ValueError(f"it is for picture={PERSON}, with soft edges")
        try:
            named_background(background)
        except ColorError as error:
            raise ValueError(str(error)) from None
        return background

    @property
    def people(self) -> dict[str, Any]:
        """Whom the person extractor shall choose, where that is not left to it."""
        if self.person_box:
            return {"everyone": False, "box": self.person_box}
        return {} if self.everyone is None else {"everyone": self.everyone}


Options = TypeVar("Options", bound=PaletteOptions)


def parse_options(kind: type[Options], pairs: Iterable[tuple[str, str]]) -> Options:
    """Options from the names and values of a query or a form; a repeated one is joined by commas.

    Raises:
        Problem: one is unknown, or its value does not fit.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]},{value}" if name in values else value
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        wrong = [_sentence(kind, item) for item in error.errors(include_url=False)]
    detail = "; ".join(item["detail"] for item in wrong)
    raise Problem("options", detail, more={"errors": wrong})


def _sentence(kind: type[BaseModel], error: Mapping[str, Any]) -> dict[str, str]:
    option = str(error["loc"][0])[:40]
    if error["type"] == "extra_forbidden":
        detail = f"there is no option '{option}'; there are {', '.join(kind.model_fields)}"
    else:
        message = str(error["msg"])
        message = message.removeprefix("Value error, ")
        detail = f"{option}: {message[:1].lower()}{message[1:]}"
    return {"option": option, "detail": detail}
