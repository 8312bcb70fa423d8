"""A cluster of which etcd knows nothing any more is taken over as it runs: seen, and written down again."""
