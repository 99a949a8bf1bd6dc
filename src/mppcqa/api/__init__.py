"""What programs ask of the server, below ``/api/v1/``: typed bodies in, JSON and problems out.

It stands on django-ninja and holds no rules: it calls the actions that pages call. Nothing here
knows a cookie; who asks shows a token.
"""
