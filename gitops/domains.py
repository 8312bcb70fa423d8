"""Registered domains, by the public suffix list that comes with its library; nothing is fetched."""

from functools import cache

from publicsuffixlist import PublicSuffixList


@cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()


def registered_domain(name: str) -> str:
    """What somebody has registered of a host name, such as example.co.uk of shop.example.co.uk.

    Of a public suffix it is the name itself: nobody else has registered that.
    """
    plain = plain_name(name).removeprefix("*.")
    return _list().privatesuffix(plain) or plain


def plain_name(name: str) -> str:
    """A host name in the one way in which names are compared."""
    return name.lower().rstrip(".")


def is_within(name: str, domain: str) -> bool:
    """Whether a name is a domain or lies below it; a star stands below what follows it."""
    return name == domain or name.endswith(f".{domain}")


def stands_for(name: str, host: str) -> bool:
    """Whether a certificate's name is good for a host; a star stands for one label, RFC 9525 section 6.3."""
    name, host = plain_name(name), plain_name(host)
    return host.partition(".")[2] == name[2:] if name.startswith("*.") else name == host
