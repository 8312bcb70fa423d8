"""The project's own Ansible playbooks, with a role for each; `executors.services` runs them."""
