"""What every test may ask for: the peers live in tests/peers, one file each."""

pytest_plugins = [
    "tests.peers.missing",
    "tests.peers.databases",
    "tests.peers.hospital",
]
