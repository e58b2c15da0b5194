"""Where a request comes from, as rate limits count it."""

import ipaddress

from flask import request


def source_of_request() -> str:
    """The client's address; an IPv6 client counts by its /64, which is what one household or server has."""
    text = request.remote_addr or "unknown"
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return text
