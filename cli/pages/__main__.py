"""`python -m cli.pages`, which `make docs` runs."""

from cli.pages import write

write()
