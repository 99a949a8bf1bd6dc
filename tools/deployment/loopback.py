"""Brings up the loopback device of an own network, where the program ``ip`` is missing."""

import fcntl
import socket
import struct

UP, SET_FLAGS = 0x1, 0x8914

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
    fcntl.ioctl(any_, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
