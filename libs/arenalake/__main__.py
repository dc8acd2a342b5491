"""`python -m arenalake` is the command `arenalake`."""

from arenalake.app.cli import main

main()
