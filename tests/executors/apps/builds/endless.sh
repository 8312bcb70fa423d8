#!/bin/sh
# Takes longer than anybody waits.
set -eu
echo began
sleep 1000
echo ended
