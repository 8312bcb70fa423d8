"""What controllers carry.

`etcd_members` founds etcd and changes who is in it; `authority`, `users` and `enrolment` say who is let in. `program`
makes the archive that `install` brings, and `rolling` another one; `hand_over` lets go of the laptop, and `access` is
how that finds its way back.
"""
