"""The `flstr` command: where the parts are put together."""
