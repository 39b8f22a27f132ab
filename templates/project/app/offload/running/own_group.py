"""Imported first by the process that children are forked from: it leaves the server's group.

Ctrl-C, a closed terminal and whoever stops a service signal the whole group. The children are not
meant: their parent lets what they run end, and gives back what cannot.
"""

import os
import signal

os.setpgrp()
signal.signal(signal.SIGHUP, signal.SIG_IGN)
