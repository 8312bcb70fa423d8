"""Services on machines, by Ansible: a playbook, an inventory made from etcd, and a run that is watched, fenced and
heard."""
