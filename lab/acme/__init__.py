"""The lab's certificate authority: Debian's pebble, which speaks ACME as Let's Encrypt does and keeps nothing."""
