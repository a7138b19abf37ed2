"""Certificates for tests of TLS, made afresh by the `openssl` command: a key may stand in no repository."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OPENSSL: Final = shutil.which("openssl")
MISSING: Final = "no openssl command here: certificates cannot be made (Debian: apt install openssl)"


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: an authority, a server's certificate for 127.0.0.1, one for another name, a client's."""

    folder: Path

    @property
    def authority(self) -> Path:
        """Who signed them all."""
        return self.folder / "ca.crt"

    def pair(self, name: str) -> tuple[Path, Path]:
        """Certificate and key: `server`, `elsewhere` or `client`."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    @property
    def query(self) -> str:
        """What an address says of them."""
        certificate, key = self.pair("client")
        return f"?ssl_ca_certs={self.authority}&ssl_certfile={certificate}&ssl_keyfile={key}"


def make_certificates(folder: Path) -> Certificates:
    """Make them all in a folder."""
    made = Certificates(folder)
    _openssl("req", "-x509", *_key(folder, "ca"), "-subj", "/CN=reelstate tests", "-out", str(made.authority))
    for name, alternative in (
        ("server", "IP:127.0.0.1"),
        ("elsewhere", "DNS:other.test"),
        ("client", "DNS:us"),
    ):
        request, (certificate, _) = folder / f"{name}.csr", made.pair(name)
        _openssl("req", *_key(folder, name), "-subj", f"/CN={name}", "-out", str(request))
        extra = folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={alternative}\n")
        signed = [
            "-CA",
            str(made.authority),
            "-CAkey",
            str(folder / "ca.key"),
            "-CAcreateserial",
            "-days",
            "2",
        ]
        _openssl(
            "x509", "-req", "-in", str(request), *signed, "-extfile", str(extra), "-out", str(certificate)
        )
    return made


def _key(folder: Path, name: str) -> list[str]:
    return [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        str(folder / f"{name}.key"),
    ]


def _openssl(*words: str) -> None:
    subprocess.run([str(OPENSSL), *words], check=True, capture_output=True)  # noqa: S603 - our own arguments
