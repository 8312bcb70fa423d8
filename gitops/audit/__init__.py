"""What was asked, decided and done, by whom: entries chained by their hashes, in etcd and in Git."""
