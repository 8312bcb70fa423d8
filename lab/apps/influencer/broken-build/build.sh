#!/bin/sh
# A build that fails the way builds do: after it has done some of its work.
set -eu
cd "$(dirname "$0")"

echo "Building influencer, release $(cat RELEASE)"
for source in *.py; do
    echo "Checking $source"
done
echo "server.py: module 'hashtags' is not in the dependencies" >&2
exit 3
