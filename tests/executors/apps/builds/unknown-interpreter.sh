#!/usr/local/bin/no-such-interpreter
