"""`python -m cli` is the `flstr` command."""

from cli.main import main

main()
