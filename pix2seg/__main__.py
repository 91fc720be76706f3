"""`python -m pix2seg` is the command line."""

from pix2seg.cli import main

main()
