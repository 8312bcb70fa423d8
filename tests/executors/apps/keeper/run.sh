#!/bin/sh
# Serves on $HOST:$PORT what the app was given.
set -eu
cd "$(dirname "$0")"
exec python3 server.py
