"""No tables of its own. Django tells the end of a migration only to apps that have this file."""
