"""S3-compatible object storage, with S3's wire format, signatures and errors."""
