"""The padlock check: what every ingress serves for a public host, as findings with their mends.

`check` answers the verb and goes round all hosts. `tls`, `web` and `dns` look; the other files judge what was seen.
"""
