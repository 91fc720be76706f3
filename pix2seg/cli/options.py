"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Weights = Annotated[
    Path | None, typer.Option(help="Generator (.safetensors); default: the one in the box.")
]
PersonName = Annotated[
    str | None, typer.Option(help="How the person is found: none (default), grabcut, detectron2.")
]
MaxColors = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="At most so many colours a class (default 5; skin, hair 3)."),
]
MaxPixels = Annotated[int, typer.Option(min=1, help="Refuse photos with more pixels than this.")]
Regions = Annotated[
    bool, typer.Option("--regions", help="Also part the clothes: a palette for each garment.")
]
Names = Annotated[
    Literal["css", "xkcd", "basic"], typer.Option(help="The list that names the colours.")
]
TableFile = Annotated[
    Path | None,
    typer.Option("--table", help="Also write one table, a row a colour: .csv, .jsonl, .parquet."),
]
