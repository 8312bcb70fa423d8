"""DNS records in the cloud's zones; of what is there already, only what flstr made is ever changed."""
