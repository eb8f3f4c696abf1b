from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from config.errors import BadSettings
from config.settings import Settings, load

KEY = "k" * 44


@pytest.fixture(autouse=True)
def no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def faults(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(BadSettings) as told:
        load(environ)
    return told.value.faults


def test_silence_means_the_defaults_of_the_contract() -> None:
    settings = load({})

    assert settings.data_dir == Path("data").absolute()
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.redis_url is None
    assert settings.database_url == f"sqlite:///{Path('data').absolute()}/hub.sqlite3"
    assert settings.heartbeat == timedelta(seconds=60)
    assert settings.alert_interval == timedelta(days=1)
    assert settings.request_timeout == timedelta(seconds=30)
    assert settings.receipt_age == timedelta(days=7)
    assert settings.max_body_bytes == 5 * 1024 * 1024
    assert (settings.max_batch, settings.max_queue) == (1000, 10_000_000)
    assert settings.worker_threads == 32
    assert settings.egress_allow == ()
    assert settings.embedded


def test_what_the_environment_says_is_read_into_its_type() -> None:
    settings = load(
        {
            "HUB_HEARTBEAT_SECONDS": "0.25",
            "HUB_RECEIPT_DAYS": "2",
            "HUB_EGRESS_ALLOW": "127.0.0.0/8, ::1/128",
            "HUB_LOG_LEVEL": "WARNING",
            "HUB_PUBLIC_URL": "https://hub.example.org/",
            "PATH": "/bin",
        }
    )

    assert settings.heartbeat == timedelta(milliseconds=250)
    assert settings.receipt_age == timedelta(days=2)
    assert settings.egress_allow == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.log_level == "warning"
    assert settings.public_url == "https://hub.example.org"


def test_a_blank_value_means_unset() -> None:
    assert load({"HUB_REDIS_URL": " ", "HUB_PORT": ""}) == load({})


def test_every_fault_is_named_at_once_by_its_name_in_the_environment() -> None:
    told = faults(
        {
            "HUB_PRT": "1",
            "HUB_PORT": "eighty",
            "HUB_REDIS_URL": "http://somewhere",
            "HUB_EGRESS_ALLOW": "10.0.0.1/8",
            "HUB_HEARTBEAT_SECONDS": "0",
            "HUB_ALERT_INTERVAL_SECONDS": "nan",
            "HUB_MAX_BATCH": "0",
            "HUB_LOG_FORMAT": "xml",
        }
    )

    assert sorted(fault.partition(":")[0] for fault in told) == [
        "HUB_ALERT_INTERVAL_SECONDS",
        "HUB_EGRESS_ALLOW",
        "HUB_HEARTBEAT_SECONDS",
        "HUB_LOG_FORMAT",
        "HUB_MAX_BATCH",
        "HUB_PORT",
        "HUB_PRT",
        "HUB_REDIS_URL",
        "HUB_SECRET_KEYS",
    ]


@pytest.mark.parametrize(
    "shared",
    [{"HUB_REDIS_URL": "redis://somewhere"}, {"HUB_DATABASE_URL": "postgresql://somewhere/hub"}],
)
def test_stores_shared_with_other_machines_need_shared_keys(shared: dict[str, str]) -> None:
    (told,) = faults(shared)

    assert told.startswith("HUB_SECRET_KEYS: required")
    assert load({**shared, "HUB_SECRET_KEYS": f"{KEY}, {KEY}"}).secret_keys == (KEY, KEY)


def test_a_short_key_is_refused_without_being_shown() -> None:
    (told,) = faults({"HUB_SECRET_KEYS": "letmein"})

    assert "32 characters" in told
    assert "letmein" not in told


def test_secrets_never_show_in_repr() -> None:
    settings = load(
        {
            "HUB_REDIS_URL": "redis://:hidden@somewhere",
            "HUB_DATABASE_URL": "postgresql://u:hidden@somewhere/hub",
            "HUB_SMTP_URL": "smtp://u:hidden@somewhere",
            "HUB_SECRET_KEYS": "hidden" * 8,
        }
    )

    assert "hidden" not in f"{settings!r} {settings}"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HUB_PORT=1234\nHUB_HOST=127.0.0.2\nOTHER=x\n")

    settings = load({"HUB_PORT": "4321"})

    assert (settings.host, settings.port) == ("127.0.0.2", 4321)


def test_a_named_file_takes_the_place_of_dot_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HUB_PORT=1234\n")
    (tmp_path / "other").write_text("HUB_MAX_BATCH=7\n")

    settings = load({"HUB_ENV_FILE": str(tmp_path / "other")})

    assert (settings.port, settings.max_batch) == (8080, 7)


def test_a_named_file_that_is_not_there_is_an_error() -> None:
    (told,) = faults({"HUB_ENV_FILE": "nowhere.env"})

    assert told == "HUB_ENV_FILE: there is no file nowhere.env"


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "localhost"), ("::1", "[::1]")])  # noqa: S104 - only shown
def test_the_public_address_can_be_opened_in_a_browser(host: str, shown: str) -> None:
    assert load({"HUB_HOST": host}).public_url == f"http://{shown}:8080"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().__setattr__("port", 1)
