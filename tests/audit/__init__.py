"""Of the audit: every change is entered, and no entry is touched unnoticed."""
