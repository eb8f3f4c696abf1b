"""The vault: what is sealed opens with the right key, at the right row, and not otherwise."""

import base64

import pytest

from hub.errors import BadSecretKeys, SealBroken, UnknownSecretKey
from hub.registry.trust.vault import Vault, new_secret_key

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
ROW = "integrations/1/client_secret"


def test_what_was_sealed_opens_again() -> None:
    vault = Vault([NEW])

    sealed = vault.seal("geheim ✓", row=ROW)

    assert vault.open(sealed, row=ROW) == "geheim ✓"
    assert sealed.startswith("v1.")
    assert "geheim" not in sealed


def test_the_same_secret_is_never_sealed_alike() -> None:
    vault = Vault([NEW])

    assert vault.seal("s", row=ROW) != vault.seal("s", row=ROW)


def test_a_secret_moved_to_another_row_does_not_open() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("s", row=ROW)

    with pytest.raises(SealBroken, match="integrations/2/client_secret"):
        vault.open(sealed, row="integrations/2/client_secret")


def test_an_altered_secret_does_not_open() -> None:
    vault = Vault([NEW])
    version, key_id, box = vault.seal("secret", row=ROW).split(".")
    raw = bytearray(base64.urlsafe_b64decode(box))
    raw[-1] ^= 1
    altered = f"{version}.{key_id}.{base64.urlsafe_b64encode(raw).decode()}"

    with pytest.raises(SealBroken):
        vault.open(altered, row=ROW)


@pytest.mark.parametrize("sealed", ["", "plain", "v1.abc", "v2.abc.AAAA", "v1.abc.!!!", "v1.a.AAA"])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(SealBroken):
        Vault([NEW]).open(sealed, row=ROW)


def test_a_sealed_secret_cut_short_does_not_open() -> None:
    vault = Vault([NEW])
    prefix = vault.seal("s", row=ROW).rpartition(".")[0]

    with pytest.raises(SealBroken):
        vault.open(f"{prefix}.AAAA", row=ROW)


def test_the_wrong_key_opens_nothing() -> None:
    sealed = Vault([OLD]).seal("s", row=ROW)

    with pytest.raises(UnknownSecretKey, match=ROW):
        Vault([OTHER]).open(sealed, row=ROW)


def test_after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key() -> None:
    old, rotated = Vault([OLD]), Vault([NEW, OLD])
    sealed_before, sealed_after = old.seal("s", row=ROW), rotated.seal("s", row=ROW)

    assert rotated.open(sealed_before, row=ROW) == "s"
    assert not rotated.is_current(sealed_before)
    assert rotated.is_current(sealed_after)
    with pytest.raises(UnknownSecretKey):
        old.open(sealed_after, row=ROW)


def test_keys_are_read_from_a_setting_newest_first() -> None:
    first, second = new_secret_key(), new_secret_key()
    vault = Vault.parse(f"{first}, {second}")

    assert vault.is_current(Vault.parse(first).seal("s", row=ROW))
    assert vault.open(Vault.parse(second).seal("s", row=ROW), row=ROW) == "s"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["=", ""], ids=["padded", "bare"])
def test_both_alphabets_of_base64_are_read(encode: type, padding: str) -> None:
    key = bytes(range(224, 256))
    text = encode(key).decode().rstrip("=") + padding

    sealed = Vault.parse(text).seal("s", row=ROW)

    assert Vault([key]).open(sealed, row=ROW) == "s"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "secret key 1 has 0 bytes, not 32"),
        ("not base64!", "secret key 1 is not base64"),
        ("AAAA", "secret key 1 has 3 bytes, not 32"),
        ("GOOD,AAAA", "secret key 2 has 3 bytes, not 32"),
        ("GOOD,", "secret key 2 has 0 bytes, not 32"),
        ("GOOD,Ä", "secret key 2 is not base64"),
    ],
)
def test_bad_keys_are_refused_by_their_place_without_repeating_them(text: str, words: str) -> None:
    text = text.replace("GOOD", new_secret_key())

    with pytest.raises(BadSecretKeys, match=words) as refusal:
        Vault.parse(text)

    assert "AAAA" not in str(refusal.value)


@pytest.mark.parametrize(
    ("keys", "words"),
    [([], "no secret key"), ([b"short"], "must have 32 bytes")],
    ids=["none", "short"],
)
def test_a_vault_needs_whole_keys(keys: list[bytes], words: str) -> None:
    with pytest.raises(BadSecretKeys, match=words):
        Vault(keys)


def test_a_vault_does_not_show_its_keys() -> None:
    assert "nnn" not in repr(Vault([NEW]))


def test_a_vault_follows_its_keys_when_they_change() -> None:
    told: list[str | None] = [None]
    old, new = new_secret_key(), new_secret_key()
    vault = Vault.parse(old, lambda: told.pop() if told else None)
    before = vault.seal("secret", row="a")

    told.append(f"{new},{old}")
    after = vault.seal("secret", row="a")

    assert Vault.parse(new).open(after, row="a") == "secret"
    assert vault.open(before, row="a") == "secret"
    assert len(vault.key_ids) == 2


def test_what_another_process_sealed_with_a_newer_key_is_opened() -> None:
    told: list[str | None] = []
    old, new = new_secret_key(), new_secret_key()
    vault = Vault.parse(old, lambda: told.pop() if told else None)
    theirs = Vault.parse(f"{new},{old}").seal("secret", row="a")

    told.append(f"{new},{old}")

    assert vault.open(theirs, row="a") == "secret"


def test_keys_that_cannot_be_read_leave_those_from_before() -> None:
    told: list[str | None] = ["nonsense"]
    vault = Vault.parse(new_secret_key(), lambda: told.pop() if told else None)

    assert vault.open(vault.seal("secret", row="a"), row="a") == "secret"
