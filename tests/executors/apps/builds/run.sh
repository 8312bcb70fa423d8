#!/bin/sh
# Serves this folder.
exec python3 -u -m http.server --bind "$HOST" "$PORT"
