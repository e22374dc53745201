"""What Jalon remembers: tables, the ledger, what is owed. The only SQL."""
