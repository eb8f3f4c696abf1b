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
    assert first.pepper == second.pepper
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


def test_a_new_key_in_front_leaves_api_keys_valid(tmp_path: Path) -> None:
    before = open_keyring(Settings(data_dir=tmp_path, secret_keys=("o" * 44,)))
    after = open_keyring(Settings(data_dir=tmp_path, secret_keys=("n" * 44, "o" * 44)))

    assert after.pepper == before.pepper


def test_an_emptied_key_file_is_not_filled_anew(tmp_path: Path) -> None:
    (tmp_path / "secret-keys").touch()

    with pytest.raises(BadSettings, match="is empty"):
        open_keyring(Settings(data_dir=tmp_path))
