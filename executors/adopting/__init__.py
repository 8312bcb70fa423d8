"""A cluster of which etcd knows nothing any more is taken over as it runs: seen, and written down again.

`look` and `inventory` ask machines and the cloud and change nothing, `records`, `digests` and `keypairs` are pure, and
`prepare` writes.
"""
