#!/bin/sh
# A virtual host and an account of mppcqa's own.
set -eu
rabbitmqctl -q list_vhosts | grep -qx mppcqa || rabbitmqctl -q add_vhost mppcqa
rabbitmqctl -q add_user mppcqa '$password' 2>/dev/null || rabbitmqctl -q change_password mppcqa '$password'
rabbitmqctl -q set_permissions -p mppcqa mppcqa '.*' '.*' '.*'
