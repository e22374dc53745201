"""The simulator: small cohorts, every one of them through the real decide and plan."""
