"""`pix2seg find`: which photos show a colour."""

from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pix2seg.cli.output import EXIT_NOTHING, kind_text, print_lines, printable, results

if TYPE_CHECKING:
    from pix2seg.catalog.search import Match
    from pix2seg.colors.color import Color
    from pix2seg.colors.wanted import Wanted

LIKE_SHARE = 0.1
"""A colour of --like's photo is looked for if it has this share of its class ..."""

LIKE_COLORS = 3
"""... and is among so many."""


def find(
    place: Annotated[
        str,
        typer.Option("--in", help="A catalogue, or a table that was written with --table."),
    ],
    color: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COLOR",
            help='"#1b2a3c", "navy", "navy trousers and white top": hex codes, or names of base '
            "colours, CSS or xkcd, with a class or garment, or without for all but skin and hair.",
        ),
    ] = None,
    like: Annotated[
        Path | None, typer.Option(metavar="PHOTO", help="Instead: the colours of this photo.")
    ] = None,
    class_name: Annotated[
        str | None,
        typer.Option("--class", help="The class, such as skin, meant where COLOR says none."),
    ] = None,
    garment: Annotated[
        str | None, typer.Option(help="The garment that is meant where COLOR says none.")
    ] = None,
    names: Annotated[
        Literal["css", "xkcd", "basic"] | None,
        typer.Option(help="The list that COLOR's names are from; by default any that has them."),
    ] = None,
    within: Annotated[
        float,
        typer.Option(
            min=0,
            help="How far (CIEDE2000) a colour of another name may be, if no base colour is asked "
            "for.",
        ),
    ] = 10.0,
    limit: Annotated[int, typer.Option(min=1, help="List at most so many photos.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line a photo.")] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Generator (.safetensors or .onnx) that looks at --like's photo; default: the one "
            "in the box."
        ),
    ] = None,
) -> None:
    """List the photos that show a colour.

    The nearest (CIEDE2000) come first; of base colours, which are found in all their shades, the
    largest shares. What is listed by the very name of CSS or xkcd that was asked for is found
    however far it is. Ends with exit code 1 where no photo does.
    """
    import json

    from pix2seg.catalog.listing import open_listing
    from pix2seg.catalog.search import find as search
    from pix2seg.colors.wanted import kind_named, parse_wanted
    from pix2seg.errors import ColorError

    if bool(color) == bool(like):
        raise typer.BadParameter("give a colour, or --like PHOTO", param_hint="COLOR")
    if weights and not like:
        raise typer.BadParameter("they are for --like", param_hint="--weights")
    if names and like:
        raise typer.BadParameter("it is for COLOR; leave --like out", param_hint="--names")
    if class_name and garment:
        raise typer.BadParameter("give it or --class, not both", param_hint="--garment")
    listing = open_listing(place)
    kinds, asked = listing.kinds(), garment or class_name
    of = kind_named(asked, kinds) if asked else None
    if asked and of not in kinds:
        raise ColorError(f"{place} has no {_lacking(asked, bool(garment), kinds, of)}")
    if like:
        wanted = _colors_like(like, weights, kinds, of)
    else:
        wanted = parse_wanted(" ".join(color or ()), kinds, of, names)
    matches = search(listing, wanted, within, limit)
    if as_json:
        print_lines(json.dumps(asdict(match), ensure_ascii=False) for match in matches)
    else:
        _print(matches, wanted, within)
    if not matches:
        raise typer.Exit(EXIT_NOTHING)


def _lacking(asked: str, garment: bool, kinds: list[str], of: str | None) -> str:
    """Which garment or class is not among the kinds that there are, and what is instead."""
    from pix2seg.classes import load_scheme
    from pix2seg.colors.photo_colors import FEW_COLORED
    from pix2seg.colors.wanted import NO_GARMENTS
    from pix2seg.errors import near_matches

    called = {kind: [kind] for kind in kinds}
    if garment:
        known = [c for c in load_scheme("garments").classes[1:] if c.name not in FEW_COLORED]
        called = {c.name: [c.name, *c.labels] for c in known if c.name in kinds}
    told = [f"{'garment' if garment else 'class'} '{asked}'"]
    told.append(near_matches(asked, chain(*called.values())))
    told.append(f"it has {', '.join(called)}" if called else "")
    told.append(NO_GARMENTS if of or not called else "")
    return "; ".join(filter(None, told))


def _colors_like(
    photo: Path, weights: Path | None, kinds: list[str], of: str | None
) -> "list[Wanted]":
    """What a photo like this one shows: the leading colours of what it shows most of."""
    from pix2seg.colors.names import name_of
    from pix2seg.colors.photo_colors import FEW_COLORED
    from pix2seg.colors.wanted import Wanted
    from pix2seg.errors import ColorError
    from pix2seg.segmenter import Segmenter

    result = Segmenter(weights)(photo)
    palettes = result.palette()
    if of and of not in palettes:  # the largest of its kind
        palettes = {garment.kind: garment.palette for garment in reversed(result.garments())}
    fitting = [
        name
        for name, palette in palettes.items()
        if len(palette) and name in kinds and (name == of if of else name not in FEW_COLORED)
    ]
    if not fitting:
        raise ColorError(f"{photo} shows no {of or 'clothes'}, so there is nothing to look for")
    largest = max(fitting, key=lambda name: palettes[name].coverage)
    leading: dict[str, Color] = {}  # by base colour: one swatch is near to two shades of it
    for swatch in palettes[largest]:
        if swatch.share >= LIKE_SHARE:
            leading.setdefault(name_of(swatch.color, "basic"), swatch.color)
    colors = list(leading.values())[:LIKE_COLORS]
    return [Wanted(f"{c.hex} {largest}", (c,), largest) for c in colors]


def _print(matches: "list[Match]", wanted: "list[Wanted]", within: float) -> None:
    from rich.table import Table
    from rich.text import Text

    console = results()
    if not matches:
        asked = " and ".join(one.text for one in wanted)
        if all(one.base for one in wanted):
            console.print(f"no photo shows {asked}")
        else:
            console.print(f"no photo within {within:g} of {asked}; try a larger --within")
        return
    listing = Table("photo", "class", "colour", "", "basic", "name", "CIEDE2000", "share", box=None)
    for match in matches:
        for i, hit in enumerate(match.hits):
            listing.add_row(
                Text("" if i else printable(match.file)),
                Text(printable(kind_text(hit.of, hit.score))),
                hit.hex,
                Text("  ", f"on {hit.hex}"),
                hit.basic,
                hit.name,
                f"{hit.distance:.1f}",
                f"{hit.share:.0%}",
            )
    console.print(listing)
