"""The record: Aurora PostgreSQL."""
