#!/bin/sh
set -eu
echo "half of it"
exit 3
