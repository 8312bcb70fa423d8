"""Copies of etcd that are kept elsewhere: when one is due, what it is called, which of them stay, and how one becomes
an etcd again. The places are `executors.backups`'."""
