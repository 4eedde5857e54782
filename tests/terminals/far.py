"""Runs a command on a terminal of its own; what goes in and what comes out arrives later, as over a slow network.

    far.py SECONDS COMMAND...
"""

import collections
import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time
import tty

delay = float(sys.argv[1])
pid, far = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])


def resize(*_):
    fcntl.ioctl(far, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))


resize()
signal.signal(signal.SIGWINCH, resize)
before = termios.tcgetattr(0)
tty.setraw(0)
# The other end of each source, and what is on its way there.
ways = {0: (far, collections.deque()), far: (1, collections.deque())}
ended = False
while True:
    now = time.monotonic()
    for target, queue in ways.values():
        while queue and queue[0][0] <= now:
            os.write(target, queue.popleft()[1])
    if ended and not ways[far][1]:
        break
    due = [queue[0][0] for _, queue in ways.values() if queue]
    sources = [0] if ended else list(ways)
    for source in select.select(sources, [], [], max(0, min(due) - now) if due else None)[0]:
        try:
            data = os.read(source, 65536)
        except OSError:  # Linux reports the end of a terminal so.
            data = b""
        ended = ended or not data
        ways[source][1].append((time.monotonic() + delay, data))
termios.tcsetattr(0, termios.TCSADRAIN, before)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
