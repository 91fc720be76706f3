"""Pictures beside each other as one JPEG, five to a row.

python tests/bench/sheet.py assets/garments.jpg overlays/*.overlay.png
"""

import sys

from PIL import Image

HEIGHT, ROW = 560, 5


def main(out: str, *files: str) -> None:
    pictures = [Image.open(file).convert("RGB") for file in files]
    pictures = [p.resize((round(p.width * HEIGHT / p.height), HEIGHT)) for p in pictures]
    rows = [pictures[i : i + ROW] for i in range(0, len(pictures), ROW)]
    width = max(sum(picture.width for picture in row) for row in rows)
    sheet = Image.new("RGB", (width, HEIGHT * len(rows)), "white")
    for number, row in enumerate(rows):
        left = 0
        for picture in row:
            sheet.paste(picture, (left, number * HEIGHT))
            left += picture.width
    sheet.save(out, quality=82)


if __name__ == "__main__":
    main(*sys.argv[1:])
