import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.errors import BadSettings
from config.keyring import open_keyring
from config.settings import Settings


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")

    first, second = open_keyring(settings), open_keyring(settings)

    assert first == second
    (file,) = (tmp_path / "data").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.keys[0] not in repr(first)


def test_two_that_start_at_once_read_one_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")

    with ThreadPoolExecutor(8) as pool:
        rings = set(pool.map(open_keyring, [settings] * 32))

    assert len(rings) == 1


def test_keys_from_the_settings_leave_nothing_in_the_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_keys=("n" * 44, "o" * 44))

    assert open_keyring(settings).keys == ("n" * 44, "o" * 44)
    assert not list(tmp_path.iterdir())


def test_a_new_key_in_front_leaves_what_was_derived_from_the_oldest(tmp_path: Path) -> None:
    before = open_keyring(Settings(data_dir=tmp_path, secret_keys=("o" * 44,)))
    after = open_keyring(Settings(data_dir=tmp_path, secret_keys=("n" * 44, "o" * 44)))

    assert after.derived_pepper == before.derived_pepper


def test_keys_from_a_file_are_given_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{'o' * 44}\n")
    keyring = open_keyring(Settings(data_dir=tmp_path / "data", secret_keys_file=path))
    assert keyring.file is not None

    before = keyring.newer()
    keyring.file.write(("n" * 44, *keyring.keys))

    assert (before, keyring.newer(), keyring.newer()) == (None, f"{'n' * 44},{'o' * 44}", None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not (tmp_path / "data").exists()


def test_a_key_file_that_is_emptied_while_it_is_used_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("o" * 44)
    keyring = open_keyring(Settings(data_dir=tmp_path, secret_keys_file=path))

    path.write_text("")
    assert keyring.newer() is None
    path.unlink()
    assert keyring.newer() is None


def test_a_key_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="No such file"):
        open_keyring(Settings(data_dir=tmp_path, secret_keys_file=tmp_path / "none"))


def test_an_emptied_key_file_is_not_filled_anew(tmp_path: Path) -> None:
    (tmp_path / "secret-keys").touch()

    with pytest.raises(BadSettings, match="is empty"):
        open_keyring(Settings(data_dir=tmp_path))
