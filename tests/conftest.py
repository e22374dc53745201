"""What every test may ask for: the peers live in tests/peers, one file each."""

pytest_plugins = [
    "pytester",
    "tests.peers.missing",
    "tests.peers.databases",
    "tests.peers.hospital",
    "tests.peers.judges",
    "tests.peers.mail",
    "tests.peers.browser",
    "tests.peers.network",
    "tests.peers.subscriber",
]
