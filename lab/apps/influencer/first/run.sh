#!/bin/sh
# Serves the release in this folder on $HOST:$PORT until it is asked to stop.
set -eu
cd "$(dirname "$0")"
exec python3 server.py
