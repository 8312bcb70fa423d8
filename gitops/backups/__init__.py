"""Copies of etcd that are kept elsewhere: when one is due, what it is called, which of them stay."""
