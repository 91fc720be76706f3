"""`pix2seg find`: which photos show a colour."""

from pathlib import Path
from typing import Annotated

import typer


def find(
    color: Annotated[str, typer.Argument(metavar="COLOR", help='Such as "#1b2a3c".')],
    table: Annotated[
        Path, typer.Option("--in", help="A table that segment or palette wrote with --table.")
    ],
    class_name: Annotated[
        str | None, typer.Option("--class", help="Look in this class alone, such as clothes.")
    ] = None,
    garment: Annotated[
        str | None,
        typer.Option(
            help="Look in this garment alone, such as trousers; the table must have been written "
            "with --garments."
        ),
    ] = None,
    within: Annotated[
        float, typer.Option(min=0, help="How far (CIEDE2000) a colour may be.")
    ] = 10.0,
    limit: Annotated[int, typer.Option(min=1, help="List at most so many photos.")] = 20,
) -> None:
    """List the photos that show a colour, the nearest (CIEDE2000) and largest share first."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pix2seg.colors.color import Color
    from pix2seg.colors.search import find_color
    from pix2seg.colors.table import read_table
    from pix2seg.errors import ColorError

    wanted = Color.from_hex(color)
    rows = read_table(table)
    classes = sorted({row["class"] for row in rows})
    if class_name and class_name not in classes:
        raise ColorError(f"{table} has no class '{class_name}'; it has {', '.join(classes)}")
    garments = sorted({row["garment"] for row in rows} - {""})
    if garment and garment not in garments:
        raise ColorError(
            f"{table} has no garment '{garment}'; it has {', '.join(garments)}"
            if garments
            else f"{table} names no garments; write it with --garments"
        )
    matches = find_color(rows, wanted, class_name, within, garment)
    listing = Table("photo", "class", "colour", "", "name", "CIEDE2000", "share", box=None)
    for match in matches[:limit]:
        row = match.row
        listing.add_row(
            Text(row["file"]),
            row["garment"] or row["class"],
            row["hex"],
            Text("  ", f"on {row['hex']}"),
            row["name"],
            f"{match.distance:.1f}",
            f"{row['share']:.0%}",
        )
    console = Console()
    if matches:
        console.print(listing)
    else:
        console.print(f"no photo within {within:g} of {wanted.hex}; try a larger --within")
