"""`python -m tilth.cli`, for where the `tilth` script is not on the path."""

from tilth.cli import main

raise SystemExit(main())
