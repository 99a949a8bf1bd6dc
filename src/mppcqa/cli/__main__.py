"""``python -m mppcqa.cli``, for where the command is not on the path."""

from mppcqa.cli import main

main(prog_name="mppcqa")
