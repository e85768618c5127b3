# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Included by the Makefile; its $(COMPILE), $(LINK) and $(say) are used here.

TORTURE := $(BUILD)/torture

# make torture SECONDS=300 SEED=42; more for it: ARGS="--gentle --keep"
SECONDS ?= 60
SEED ?=

TORTURE_OBJ := $(patsubst tests/torture/%.c,$(TORTURE)/obj/%.o,\
    $(wildcard tests/torture/*.c))

## torture: kill and break everything for a minute (SECONDS, SEED), and count
.PHONY: torture
torture: programs $(TORTURE)/torture
	@$(TORTURE)/torture --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) \
	    $(ARGS) $(BUILD)/telld

# Its short form is a test.
tests: $(TORTURE)/torture

$(TORTURE)/obj/%.o: tests/torture/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)
	$Q$(COMPILE) -c -o $@ $<

$(TORTURE)/torture: $(TORTURE_OBJ)
	$(call say,LD $@)
	$Q$(LINK) -o $@ $^ $(LDLIBS)

-include $(wildcard $(TORTURE)/obj/*.d)
