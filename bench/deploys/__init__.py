"""A deploy of one commit to hosts without systemd: flstr beside pyinfra, Ansible and a bare script over ssh."""
