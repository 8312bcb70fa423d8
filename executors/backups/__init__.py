"""The places where backups are kept: a folder that is mounted, or a bucket. What is kept there is `gitops.backups`'."""
