"""Certificate Transparency as it is asked for: crt.sh and Cert Spotter, over one log that the lab feeds."""
