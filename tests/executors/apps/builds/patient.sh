#!/bin/sh
# Takes its time, so that another one can come in between.
set -eu
echo began
sleep 4
echo ended
