"""The network for tests: names that lead where the test says, connections that are noted down and not made, and
certificates of an authority of the test's own.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpcore
import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aurora.settings import Settings
from serving.app import create_app
from serving.webhooks.addresses import Address, AddressRules
from tests.serving.conftest import quick, running

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
LOOPBACK = (ip_network("127.0.0.0/8"),)


def strict_rules(*ports: int) -> AddressRules:
    """As in production, with ports of the test's own."""
    return AddressRules(frozenset(ports or (443, 8443)))


def rules_with_loopback(*ports: int) -> AddressRules:
    return AddressRules(frozenset(ports), private_networks=LOOPBACK)


@dataclass
class Names:
    """DNS: each look-up is answered with the next of these answers, the last one for ever."""

    answers: list[list[str]]
    asked: list[str] = field(default_factory=list)

    @classmethod
    def lead_to(cls, *addresses: str) -> Names:
        return cls([list(addresses)])

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        del port
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            raise OSError("no such name")
        return [ip_address(each) for each in answer]


@dataclass
class NotedNetwork(httpcore.AsyncNetworkBackend):
    """Notes down who would be spoken to; nobody is there."""

    spoken_to: list[str] = field(default_factory=list)

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        del port
        self.spoken_to.append(host)
        raise httpcore.ConnectError("nobody is there")


@dataclass(frozen=True)
class Authority:
    """Who signs the receiver's certificate, and who believes it."""

    receiver: ssl.SSLContext
    sender: ssl.SSLContext


def authority_for(host: str, folder: Path) -> Authority:
    """Certificates for one host, of an authority that nobody else believes."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    root = _certificate(issuer, issuer, authority_key, authority_key, x509.BasicConstraints(True, None))
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    leaf = _certificate(subject, issuer, key, authority_key, names)
    chain = folder / "receiver.pem"
    chain.write_bytes(
        leaf.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    receiver = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    receiver.load_cert_chain(chain)
    sender = ssl.create_default_context(cadata=root.public_bytes(serialization.Encoding.PEM).decode())
    return Authority(receiver, sender)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signing_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=False)
        .sign(signing_key, hashes.SHA256())
    )


@asynccontextmanager
async def running_where_every_host_is_public(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """An API to which every host is one of the public internet."""
    api = create_app(settings, quick())
    here = api.state.resources
    here.destinations = replace(here.destinations, resolve=Names.lead_to(PUBLIC))
    async with running(api) as client:
        yield client
