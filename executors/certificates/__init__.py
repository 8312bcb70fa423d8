"""Certificates from an authority that speaks ACME (RFC 8555), such as Let's Encrypt: issued, checked, renewed."""
