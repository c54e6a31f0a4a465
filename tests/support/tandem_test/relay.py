"""What the tests of messages and of subscriptions share: a trunk that asks for credentials, and requests of its own."""

from . import sip

DOMAIN = "example.test"
REALM, SECRET = "pbx.test", "s3cret"


def prepare(directory, config):
    config["trunks"][0].update(username="tandem", password=SECRET, realm=REALM)
    return config


def challenge(status, realm=REALM):
    """The header that goes with 401 or 407."""
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return name, f'Digest realm="{realm}", nonce="abc", algorithm=MD5, qop="auth"'


def credentials(request, status):
    """What answers that."""
    return request.header("Authorization" if status == 401 else "Proxy-Authorization")


def trunk_request(trunk, method, to, **options):
    """Outside dialogs, from somebody behind the trunk."""
    return sip.request(method, f"sip:{to}@{DOMAIN}", f"<sip:5551234@{trunk.host}>;tag={sip.token()}", f"<sip:{to}@{DOMAIN}>",
                       trunk.via, **options)
