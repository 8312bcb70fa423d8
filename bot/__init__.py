"""Between Slack and etcd: commands and clicks become intents, records become cards. All it knows is in etcd."""
