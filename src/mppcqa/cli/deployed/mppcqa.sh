#!/bin/sh
# mppcqa as its own user and with its settings, for who administers it.
set -eu
cd /
exec setpriv --reuid mppcqa --regid mppcqa --init-groups --inh-caps=-all --reset-env \
    sh -c 'umask 077; set -a; . /etc/mppcqa/mppcqa.env; exec $program "$$@"' mppcqa "$$@"
