.PHONY: run test check build bench setup

# A container whose limits a plugin changed, from nothing to a clean machine.
run:
	@hack/run

test:
	@hack/test

check:
	@hack/check

build:
	@hack/build

bench:
	@hack/bench

setup:
	@hack/setup all
