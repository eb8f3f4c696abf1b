import socket

import pytest

from config.errors import AddressInUse
from config.listening import free_port, is_free, listen


def test_an_address_that_is_taken_is_told_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(AddressInUse, match=rf"port {port}.*HUB_PORT"):
            listen("127.0.0.1", port)
        assert not is_free("127.0.0.1", port)

    assert is_free("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_told() -> None:
    with pytest.raises(AddressInUse, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_names_and_both_versions_of_ip_are_understood() -> None:
    assert is_free("localhost", free_port("localhost"))
    if socket.has_dualstack_ipv6():
        assert free_port("::1") > 0
