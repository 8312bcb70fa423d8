"""MongoDB's `hello`, byte for byte as the wire format has it."""

from executors.mongodb_hello import document, hello, is_primary, message


def test_the_question_is_one_message_whose_lengths_are_right() -> None:
    assert hello().hex(" ") == (
        "34 00 00 00 01 00 00 00 00 00 00 00 dd 07 00 00 "  # 52 bytes, request 1, no reply to any, OP_MSG
        "00 00 00 00 00 "  # no flags, a section of kind 0
        "1f 00 00 00 "  # a document of 31 bytes
        "10 68 65 6c 6c 6f 00 01 00 00 00 "  # hello: 1
        "02 24 64 62 00 06 00 00 00 61 64 6d 69 6e 00 "  # $db: "admin"
        "00"
    )


def test_a_primary_says_that_it_may_be_written_to() -> None:
    assert is_primary() == b"\x08isWritablePrimary\x00\x01"


def test_an_empty_document_is_five_bytes() -> None:
    assert document(b"") == b"\x05\0\0\0\0"
    assert message(document(b""), answers=7)[8:12] == b"\x07\0\0\0"
