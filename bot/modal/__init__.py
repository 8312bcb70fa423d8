"""The window behind a bare `/flstr`: pick what to do, see what it would do, and have it done."""
