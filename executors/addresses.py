"""Addresses as configurations hold them."""

from ipaddress import IPv6Address, ip_address


def plain_address(text: str) -> str:
    """An IP address in its usual form. Raises ValueError, also for one with a zone: that may hold anything."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError(f"{text!r} has a zone")
    return str(address)
