from importlib import import_module

Migration = import_module("mppcqa.web.migrations.0001_initial").Migration
