"""Which headers are there to carry secrets."""

import pytest

from hub.sources.hidden import secret_headers


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Proxy-Authorization", "cookie", "X-API-Key", "apikey"),
        *(
            "PRIVATE-TOKEN",
            "X-Auth-Token",
            "Ocp-Apim-Subscription-Key",
            "X-Client-Secret",
            "X_Auth",
        ),
    ],
)
def test_headers_that_carry_secrets_are_known_by_their_names(name: str) -> None:
    assert secret_headers(["Accept", name]) == [name]


@pytest.mark.parametrize("name", ["Accept", "X-Version", "X-Author", "Keep-Alive", "X-Tokens-Left"])
def test_others_carry_none(name: str) -> None:
    assert secret_headers([name]) == []
