"""Certificates for a test, made when it runs."""

import subprocess

CONFIGURATION = """[ca]
default_ca = here
[here]
database = {directory}/{name}.index
serial = {directory}/{name}.serial
new_certs_dir = {directory}
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
"""
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
PAST, LONG_AGO, SOON, LATER = "20210101000000Z", "20200101000000Z", "20900101000000Z", "20910101000000Z"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certificate:
    """`chain` and `key` are PEM files."""

    def __init__(self, chain, key):
        self.chain, self.key = chain, key


def self_signed(directory, name, subject):
    """Vouches for itself; `subject` as "DNS:a,IP:127.0.0.1"."""
    chain, key = directory / f"{name}.pem", directory / f"{name}.key"
    openssl("req", "-x509", *NEW_KEY, "-keyout", key, "-out", chain, "-days", 2, "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={subject}")
    return Certificate(chain, key)


class Authority:
    def __init__(self, directory, name="authority"):
        self.directory, self.name = directory, name
        self.pem, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        openssl("req", "-x509", *NEW_KEY, "-keyout", self.key, "-out", self.pem, "-days", 2, "-subj", f"/CN={name}")
        (directory / f"{name}.index").write_text("")
        (directory / f"{name}.serial").write_text("01\n")
        (directory / f"{name}.cnf").write_text(CONFIGURATION.format(directory=directory, name=name))

    def issue(self, name, subject=None, begins=None, ends=None, usage=None):
        """For `subject` ("DNS:a,URI:sip:a"; None: the common name alone). `begins` and `ends` as openssl's -startdate; `usage`: the
        extendedKeyUsage."""
        base = self.directory / f"{self.name}-{name}"
        chain, key, asked, extensions = (base.with_suffix(end) for end in (".pem", ".key", ".csr", ".ext"))
        openssl("req", "-new", *NEW_KEY, "-keyout", key, "-out", asked, "-subj", f"/CN={name}")
        extensions.write_text("basicConstraints=CA:FALSE\n" + (f"subjectAltName={subject}\n" if subject else "")
                              + (f"extendedKeyUsage={usage}\n" if usage else ""))
        openssl("ca", "-batch", "-notext", "-config", self.directory / f"{self.name}.cnf", "-cert", self.pem, "-keyfile", self.key,
                "-in", asked, "-out", chain, "-extfile", extensions,
                *(["-startdate", begins] if begins else []), *(["-enddate", ends] if ends else ["-days", 2]))
        return Certificate(chain, key)
