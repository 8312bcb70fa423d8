"""The cluster repo, the registered state, the plan between them, and the worker that carries plans out."""
