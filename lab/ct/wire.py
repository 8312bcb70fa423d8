"""Names and times as the two services write them."""

from datetime import UTC, datetime

from cryptography import x509

# What OpenSSL calls the parts of a name; others keep their number.
_SHORT = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU"}
_QUOTED = ',+"\\<>;#'


def one_line(name: x509.Name) -> str:
    """A name as OpenSSL prints it in one line: `C=US, O="Rogue & Sons, Ltd", CN=R3`."""
    parts = []
    for attribute in name:
        oid, value = attribute.oid.dotted_string, str(attribute.value)
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        text = f'"{escaped}"' if any(letter in value for letter in _QUOTED) else value
        parts.append(f"{_SHORT.get(oid, oid)}={text}")
    return ", ".join(parts)


def without_zone(moment: datetime) -> str:
    """A `timestamp without time zone` as PostgreSQL makes JSON of it: no zone, no zeros behind a fraction."""
    plain = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    text = plain.isoformat(timespec="milliseconds" if plain.microsecond else "seconds")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def serial_hex(serial: int) -> str:
    """The bytes of a serial number in a certificate: one that begins with a high bit has a zero byte before it."""
    return serial.to_bytes(serial.bit_length() // 8 + 1, "big").hex()
