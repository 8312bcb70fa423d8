"""The picture of the networks: what the doctor saw of meshes and overlay, laid out and drawn."""
