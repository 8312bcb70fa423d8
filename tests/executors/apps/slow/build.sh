#!/bin/sh
# Takes its time, so that a test can break in.
set -eu
echo half >half-built
sleep 4
rm half-built
echo whole >built
