"""Who has an account, what each may do and sees."""
