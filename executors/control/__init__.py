"""The controllers: the etcd that they carry together, and who is who there."""
