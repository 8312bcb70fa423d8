"""DNS as the lab's cloud has it: what its zones hold is answered at once, with authority, and nothing else is."""
