"""`python -m charrnn`, and the command `charrnn`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until main() handles it, Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from charrnn.cli.main import main

if __name__ == "__main__":
    main()
