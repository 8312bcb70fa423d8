#!/bin/sh
set -eu
echo began
for line in 1 2 3 4 5 6; do echo "line $line"; done
printf "no text: \377\n"
echo ended
