"""The command line: one file a command. It parses, calls and prints; all work is done in the packages below.

    main       runs a command and turns what it raises into lines and an exit code
    group      the group of commands and --version
    options    arguments and options that several commands share
    inputs     what commands read; streams, what they write; messages, what they say on stderr
    following  the driver of a training run's display; signals, which end it

Heavy packages are imported inside the commands, so that `charrnn -h` starts without NumPy.
"""
