import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import JsonValue, TypeAdapter

from config.cli import _taken_out, build, main
from config.commands.when import moment_of
from config.settings import load
from config.wiring import open_control
from hub.registry.parties.integrations import NewIntegration
from hub.registry.parties.providers import Provider

pytestmark = pytest.mark.usefixtures("restored")

KEY = "a2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMgZm9yIHRlc3Q="
ANSWER = TypeAdapter[JsonValue](JsonValue)


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def row(self) -> dict[str, JsonValue]:
        answer = ANSWER.validate_json(self.out)
        assert isinstance(answer, dict)
        return answer

    @property
    def rows(self) -> list[JsonValue]:
        answer = ANSWER.validate_json(self.out)
        assert isinstance(answer, list)
        return answer


Hub = Callable[..., Said]


@pytest.fixture
def environ(
    tmp_path: Path, empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    settings = {
        "HUB_DATA_DIR": str(tmp_path / "data"),
        "HUB_REDIS_URL": empty_valkey_url,
        "HUB_SECRET_KEYS": KEY,
        "HUB_LOG_LEVEL": "warning",
    }
    monkeypatch.chdir(tmp_path)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


@pytest.fixture
def unmigrated(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Hub:
    def call(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["hub", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call


@pytest.fixture
def hub(unmigrated: Hub) -> Hub:
    assert unmigrated("migrate", "--json").row == {"migrated": True}
    return unmigrated


@pytest.fixture
def integration(hub: Hub, environ: dict[str, str]) -> str:
    """Make an integration that delivery knows."""
    return asyncio.run(make_integration(environ))


async def make_integration(environ: dict[str, str]) -> str:
    async with open_control(load(environ)) as (registry, control, _):
        await registry.programs.create("P", name="Program", by="test")
        await registry.providers.create(Provider("acme", "Acme"), by="test")
        new = NewIntegration(
            name="To Acme",
            provider="acme",
            technical_emails=("a@example.org",),
            statement_url="https://lrs.example.org/statements",
            authentication_url="https://lrs.example.org/token",
            client_id="client",
            client_secret="hidden-secret",
        )
        made = await registry.integrations.create("P", new, by="test")
        found = await registry.integrations.find(made.id)
        assert found is not None
        await control.apply(found)
        return made.id


def test_the_version_is_told(hub: Hub) -> None:
    assert list(hub("version", "--json").row) == ["learning-hub"]


def test_help_names_every_command(hub: Hub) -> None:
    said = hub("--help")

    for command in ("run", "web", "worker", "migrate", "sandbox", "keys", "queue", "doctor"):
        assert f" {command} " in said.out


def test_a_key_is_shown_once_and_then_listed_without_its_secret(hub: Hub) -> None:
    made = hub("keys", "create", "--user-id", "ops", "--system", "--json").row
    listed = hub("keys", "list", "--json")

    assert made["userId"] == "ops"
    assert isinstance(made["apiKey"], str)
    assert made["apiKey"] not in listed.out
    (row,) = listed.rows
    assert isinstance(row, dict)
    assert (row["id"], row["userId"], row["system"]) == (made["id"], "ops", True)


def test_without_json_only_the_key_is_printed(hub: Hub) -> None:
    said = hub("keys", "create", "--user-id", "ops", "--system")

    assert len(said.out.split()) == 1


def test_a_key_for_programs_says_what_it_may(hub: Hub, integration: str) -> None:
    hub("keys", "create", "--user-id", "u", "--program", "P:write")

    (row,) = hub("keys", "list", "--json").rows

    assert isinstance(row, dict)
    assert row["programs"] == {"P": "write"}


def test_a_revoked_key_is_marked(hub: Hub) -> None:
    made = hub("keys", "create", "--user-id", "ops", "--system", "--json").row

    revoked = hub("keys", "revoke", str(made["id"]), "--json").row

    assert revoked["revokedAt"] is not None


def test_a_key_without_rights_is_made_and_said_to_be_of_no_use(hub: Hub) -> None:
    made = hub("keys", "create", "--user-id", "u", "--json")

    assert made.row["apiKey"]
    assert "may do nothing" in made.err


def test_a_key_may_be_given_an_end(hub: Hub) -> None:
    hub("keys", "create", "--user-id", "u", "--system", "--expires", "2027-01-31T12:00:00+0100")

    (row,) = hub("keys", "list", "--json").rows

    assert isinstance(row, dict)
    assert row["expiresAt"] == "2027-01-31T11:00:00Z"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("keys", "create", "--user-id", "u", "--program", "P:own"), 2, "P:own"),
        (("keys", "create", "--user-id", "u", "--program", "NONE:read"), 1, "NONE"),
        (("keys", "revoke", "none"), 1, "none"),
        (("integrations", "show", "none"), 1, "none"),
        (("integrations", "enable", "none"), 1, "none"),
        (("queue", "show", "none"), 1, "none"),
        (("queue", "purge", "none"), 1, "none"),
        (("parked", "list", "none"), 1, "none"),
        (("parked", "release", "none"), 1, "none"),
        (("parked", "discard", "none"), 1, "none"),
        (("nonsense",), 2, "nonsense"),
        (("sandbox", "--port", "70000"), 2, "65535"),
    ],
)
def test_what_cannot_be_done_is_told_without_a_trace(
    hub: Hub, words: tuple[str, ...], code: int, told: str
) -> None:
    said = hub(*words)

    assert said.code == code
    assert said.out == ""
    assert told in said.err
    assert "Traceback" not in said.err


def test_bad_settings_are_told_by_their_names(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_PORT", "x")
    monkeypatch.setenv("HUB_PRT", "1")

    said = hub("keys", "list")

    assert (said.code, said.out) == (1, "")
    assert "HUB_PORT" in said.err
    assert "HUB_PRT" in said.err


def test_a_database_without_tables_is_told(unmigrated: Hub, environ: dict[str, str]) -> None:
    said = unmigrated("keys", "list")

    assert said.code == 1
    assert "Traceback" not in said.err


def test_without_a_store_the_way_out_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_REDIS_URL")
    monkeypatch.delenv("HUB_SECRET_KEYS")

    said = hub("queue", "show")

    assert said.code == 1
    assert "hub run" in said.err


def test_integrations_are_listed_with_their_health(hub: Hub, integration: str) -> None:
    (row,) = hub("integrations", "list", "--json").rows

    assert isinstance(row, dict)
    assert (row["id"], row["status"], row["queued"]) == (integration, "flowing", 0)
    assert hub("integrations", "list", "--program", "OTHER", "--json").rows == []


def test_an_integration_is_shown_without_its_secret(hub: Hub, integration: str) -> None:
    said = hub("integrations", "show", integration)

    assert "https://lrs.example.org/statements" in said.out
    assert "hidden-secret" not in said.out


def test_an_integration_is_disabled_and_enabled(hub: Hub, integration: str) -> None:
    off = hub("integrations", "disable", integration, "--json").row
    on = hub("integrations", "enable", integration, "--json").row

    assert (off["status"], on["status"]) == ("disabled", "flowing")


def test_a_table_has_a_head_and_a_line_for_each(hub: Hub, integration: str) -> None:
    head, line = hub("queue", "show").out.splitlines()

    assert head.split()[:3] == ["id", "status", "queued"]
    assert line.split()[:3] == [integration, "flowing", "0"]


def test_a_queue_is_shown_and_thrown_away(hub: Hub, integration: str) -> None:
    assert hub("queue", "show", integration, "--json").row["queued"] == 0
    assert hub("queue", "purge", integration, "--json").row == {"id": integration, "purged": 0}


def test_parked_statements_are_listed_released_and_discarded(hub: Hub, integration: str) -> None:
    assert hub("parked", "list", integration, "--json").rows == []
    assert hub("parked", "release", integration, "--json").row["released"] == 0
    assert hub("parked", "discard", integration, "--yes", "--json").row["discarded"] == 0


def test_the_doctor_finds_nothing_broken(hub: Hub) -> None:
    said = hub("doctor", "--json")

    verdicts = {row["check"]: row["verdict"] for row in said.rows if isinstance(row, dict)}
    assert said.code == 0
    assert verdicts == {
        "settings": "ok",
        "redis": "warning",
        "clock": "ok",
        "sql": "ok",
        "worker": "warning",
        "landing": "ok",
        "smtp": "warning",
    }


def test_the_doctor_names_all_that_is_broken(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("HUB_REDIS_URL", f"redis://127.0.0.1:{unused_tcp_port}")
    monkeypatch.setenv("HUB_SMTP_URL", f"smtp://127.0.0.1:{unused_tcp_port}")

    said = hub("doctor", "--json")

    faults = {
        row["check"] for row in said.rows if isinstance(row, dict) and row["verdict"] == "fault"
    }
    assert said.code == 1
    assert faults == {"redis", "clock", "delivery", "smtp"}


def test_only_what_is_asked_for_is_loaded() -> None:
    assert [command.name for command in build(["version"]).registered_commands] == ["version"]


def test_options_that_may_stand_anywhere_are_taken_out() -> None:
    left, said = _taken_out(["--url", "http://a", "keys", "list", "--api-key=k", "--json"])

    assert left == ["keys", "list", "--json"]
    assert said == {"HUB_URL": "http://a", "HUB_API_KEY": "k"}
    assert _taken_out(["keys", "--url"]) == (["keys", "--url"], {})


def test_a_time_may_be_how_long_ago() -> None:
    ago = moment_of("90m")

    assert (moment_of("30m") - ago).total_seconds() == pytest.approx(3600, abs=5)
    assert moment_of("2026-03-02T09:00:00Z").isoformat().endswith("+00:00")
    assert moment_of("2026-03-02").tzinfo is not None
