"""The shared vocabulary: manifests, names, etcd keys and records. Pure data; nothing here touches the outside."""
