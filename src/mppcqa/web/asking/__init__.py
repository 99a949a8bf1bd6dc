"""Forms for the arguments of routines, made from what each routine declares."""
