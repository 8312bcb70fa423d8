#!/bin/sh
# Builds the release in this folder: checks the sources, writes down what was built.
set -eu
cd "$(dirname "$0")"

# flstr says which commit it laid out here; in a checkout of your own, Git knows.
commit=${FLSTR_COMMIT:-$(git rev-parse HEAD)}
release=$(cat RELEASE)

echo "Building influencer, release $release, commit $commit"
for source in *.py; do
    echo "Checking $source"
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$source"
done

printf '{"release": "%s", "commit": "%s"}\n' "$release" "$commit" >build-info.json
echo "Wrote build-info.json"
