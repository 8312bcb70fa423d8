"""Copies of etcd and of services' data that are kept elsewhere: when one is due, what it is called, which of them stay,
and how one of etcd becomes an etcd again. The places are `executors.backups`'."""
