# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Included by the Makefile; its $(COMPILE), $(LINK) and $(say) are used here.

BENCH := $(BUILD)/bench

# More for tests/bench/run: make bench B="-s stream-64 -x telld,nats"
B ?=

BENCH_LOAD := $(filter-out shape,$(notdir $(basename \
    $(wildcard tests/bench/*.c))))

## bench: measure telld beside its peers, for a quarter of an hour
.PHONY: bench
bench: programs bench-programs
	@BUILD=$(BUILD) tests/bench/run $(B)

## bench-quick: the same in two minutes, and less exact
.PHONY: bench-quick
bench-quick: programs bench-programs
	@BUILD=$(BUILD) tests/bench/run -q $(B)

## bench-deps: install those peers, and gnuplot, from Debian's packages
.PHONY: bench-deps
bench-deps:
	@tests/bench/deps.sh

.PHONY: bench-programs
bench-programs: $(BENCH)/load $(BENCH)/shape

$(BENCH)/obj/%.o: tests/bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)
	$Q$(COMPILE) -c -o $@ $<

$(BENCH)/load: $(BENCH_LOAD:%=$(BENCH)/obj/%.o)
	$(call say,LD $@)
	$Q$(LINK) -o $@ $^ $(LDLIBS)

$(BENCH)/shape: $(BENCH)/obj/shape.o
	$(call say,LD $@)
	$Q$(LINK) -o $@ $^ $(LDLIBS)

-include $(wildcard $(BENCH)/obj/*.d)
