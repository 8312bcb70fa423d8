"""The controllers: what carries the cluster's etcd and flstr itself."""
