#!/bin/sh
# The build of the app that is deployed: as little as a build can be.
set -eu
read -r number <version
echo "$number" >built
