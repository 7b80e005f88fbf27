"""`python -m charrnn`, and the command `charrnn`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends without a traceback until the command line can answer it

from charrnn.cli.main import main

if __name__ == "__main__":
    main()
