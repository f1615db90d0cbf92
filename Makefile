.PHONY: run test check build bench soak setup

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

# Half an hour of random operations and kills.
soak:
	@hack/soak

setup:
	@hack/setup all
