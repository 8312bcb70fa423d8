#!/bin/sh
# Shows what it was given, and ends.
echo "the password is $(cat "$CREDENTIALS_DIRECTORY/db-password")"
exit 3
