"""The lab's apt repositories: hosts, which reach nothing outside, install real packages from them."""
