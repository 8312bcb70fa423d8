#!/bin/sh
# Builds the release in this folder: checks the sources, writes down what was built.
set -eu
cd "$(dirname "$0")"

# The checkout may belong to another user than the one who builds.
commit=$(git -c safe.directory='*' rev-parse HEAD)
release=$(cat RELEASE)

echo "Building influencer, release $release, commit $commit"
for source in *.py; do
    echo "Checking $source"
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$source"
done

printf '{"release": "%s", "commit": "%s"}\n' "$release" "$commit" >build-info.json
echo "Wrote build-info.json"
