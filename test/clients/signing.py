"""What the test of signatures needs of Python: certificates that OpenSSF's client takes, and CycloneDX's validator."""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

DAY = datetime.timedelta(days=1)


def certificate(name, key, issuer, issuer_key, is_authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if not is_authority:
        codes = [x509.ObjectIdentifier("1.3.6.1.5.5.7.3.3")]
        builder = builder.add_extension(x509.ExtendedKeyUsage(codes), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def named(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def make_certificates(folder):
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]
    root_key, middle_key, leaf_key, other_key = keys
    pem = serialization.Encoding.PEM
    made = {
        "root": certificate(named("Root"), root_key, named("Root"), root_key, True),
        "middle": certificate(named("Middle"), middle_key, named("Root"), root_key, True),
        "leaf": certificate(named("Trainer"), leaf_key, named("Middle"), middle_key, False),
        "other": certificate(named("Other"), other_key, named("Other"), other_key, True),
    }
    for name, each in made.items():
        (folder / f"{name}.crt").write_bytes(each.public_bytes(pem))
    private = leaf_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "leaf.key").write_bytes(private)


def validate_bom(path):
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text())
    if found is not None:
        sys.exit(f"{path}: {found}")


TASKS = {"certificates": make_certificates, "bom": validate_bom}
TASKS[sys.argv[1]](pathlib.Path(sys.argv[2]))
