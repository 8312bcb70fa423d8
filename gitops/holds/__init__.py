"""What is left as it is for a while: a lock, a freeze, a suspension. Each pins what is desired, or begins nothing."""
