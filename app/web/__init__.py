"""The coordinator's pages: server-rendered, one file for each family of pages, complete without JavaScript."""
