# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# Needs GNU make and a C11 compiler.  `make help` lists what there is to do.

# ---------------------------------------------------------------------------
# Variables.  CPPFLAGS, CFLAGS, LDFLAGS and LDLIBS are added to, not replaced.
# ---------------------------------------------------------------------------

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=
INSTALL ?= install

CFLAGS ?= -O2 -g

# STATIC=no links with the C library's shared objects.  Without them a session
# takes a third less of the machine's memory: fewer mappings, fewer page tables.
STATIC ?= yes
# SANITIZE=address,undefined builds with those sanitizers, apart from the rest.
SANITIZE ?=
# WERROR=1 makes every warning an error.
WERROR ?=
# Where built files go.
BUILD ?= build$(if $(SANITIZE),/san)

# Test files to run instead of all: make check T="tests/20-seed.bats"
T ?=
# Arguments to telld for `make run`.
ARGS ?=
# V=1 shows the commands.
V ?=

# ---------------------------------------------------------------------------
# What to do
# ---------------------------------------------------------------------------

.DEFAULT_GOAL := all

## all: build telld, tellctl and tell (in build/)
.PHONY: all
all: programs

## run: build, and start telld on 127.0.0.1:8080
.PHONY: run
run: programs
	@echo 'telld starts; Ctrl-C stops it. In another terminal:'
	@echo
	@echo '    nc 127.0.0.1 8080'
	@echo
	@echo 'and type a name, alice say, then: alice: hello'
	@echo
	@exec $(BUILD)/telld $(ARGS)

## check: run all tests, or some: make check T=tests/20-seed.bats
.PHONY: check
check: programs tests test-deps
	@$(RUN_TESTS) $(T)

## check-unit: run the unit tests only
.PHONY: check-unit
check-unit: tests
	@$(RUN_TESTS) $(UNIT)

## check-valgrind: run all tests under valgrind
.PHONY: check-valgrind
ifeq ($(STATIC),no)
check-valgrind: programs tests
	@tests/deps.sh check valgrind
	@TELLD_WRAP=valgrind $(RUN_TESTS) $(T)
else
# It looks into malloc(3) only where that is in a shared object.
check-valgrind:
	@$(MAKE) STATIC=no BUILD=$(BUILD)/valgrind check-valgrind
endif

## test-deps: install what the tests need, where that is allowed
.PHONY: test-deps
test-deps:
	@tests/deps.sh check

## lint: compilers' warnings, formatting, static analysis (make -k: all of it)
.PHONY: lint lint-gcc lint-clang lint-format lint-tidy lint-cppcheck \
    lint-scripts lint-man
lint: lint-gcc lint-clang lint-format lint-tidy lint-cppcheck lint-scripts \
    lint-man

lint-gcc lint-clang: lint-%: lint-deps
	@$(MAKE) --no-print-directory WERROR=1 CC=$* BUILD=$(BUILD)/lint/$* \
	    all tests

lint-format: lint-deps
	clang-format --dry-run -Werror $(C_FILES) $(H_FILES)

lint-tidy: lint-deps
	@printf '%s\n' $(C_FILES) | xargs -P 2 -n 1 sh -c \
	    'echo "  TIDY $$1"; exec clang-tidy --quiet "$$1" -- \
	    $(TELLD_CPPFLAGS) -Itests/unit 2>/dev/null' clang-tidy

lint-cppcheck: lint-deps
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	    --enable=warning,performance,portability $(CPPCHECK_FLAGS) $(C_FILES)

lint-scripts: lint-deps
	shellcheck $(SCRIPTS)

lint-man: lint-deps
	$(if $(MAN),mandoc -Tlint -Wwarning $(MAN))

.PHONY: lint-deps
lint-deps:
	@tests/deps.sh lint

## format: put every C file into the house's form
.PHONY: format
format:
	clang-format -i $(C_FILES) $(H_FILES)

## install: install under PREFIX (/usr/local), in DESTDIR if that is set
.PHONY: install
install: programs
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 755 $(filter-out %/tell,$(PROGRAMS)) $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 755 $(filter %/tell,$(PROGRAMS)) $(DESTDIR)$(BINDIR)
	$(foreach m,$(MAN),$(INSTALL) -d $(DESTDIR)$(call man_dir,$(m)) && \
	    $(INSTALL) -m 644 $(m) $(DESTDIR)$(call man_dir,$(m)) &&) :

## uninstall: take away what install put there
.PHONY: uninstall
uninstall:
	rm -f $(addprefix $(DESTDIR)$(SBINDIR)/,telld tellctl)
	rm -f $(DESTDIR)$(BINDIR)/tell
	rm -f $(foreach m,$(MAN),$(DESTDIR)$(call man_dir,$(m))/$(notdir $(m)))

## clean: remove everything that was built
.PHONY: clean
clean:
	rm -rf build

## help: list these targets
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

# Benchmarks, the torture and the fuzzers bring targets of their own.
-include tests/bench/bench.mk tests/torture/torture.mk tests/fuzz/fuzz.mk

# ---------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------

MAINS := src/main.c src/tellctl.c src/tell.c
MODULES := $(filter-out $(MAINS),$(wildcard src/*.c))
UNIT_SRC := $(wildcard tests/unit/test_*.c)
TOOL_SRC := $(wildcard tests/tools/*.c)
MAN := $(wildcard man/*.[1-8])
C_FILES := $(wildcard src/*.c tests/unit/*.c tests/tools/*.c \
    tests/bench/*.c tests/torture/*.c tests/fuzz/*.c)
H_FILES := $(wildcard include/*.h tests/*/*.h)
SCRIPTS := $(wildcard .ci/* tests/*.sh tests/run tests/*.bash tests/*.bats \
    tests/*/*.sh)

OBJ := $(MODULES:src/%.c=$(BUILD)/obj/%.o)
LIB := $(BUILD)/obj/libtelld.a
PROGRAMS := $(patsubst src/%.c,$(BUILD)/%,$(subst main,telld,$(MAINS)))
UNIT := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
TOOLS := $(TOOL_SRC:tests/tools/%.c=$(BUILD)/tools/%)

CPPCHECK_FLAGS := -Iinclude -Itests/unit -D_DEFAULT_SOURCE \
    -D_POSIX_C_SOURCE=200809L --library=tests/cppcheck.cfg

man_dir = $(MANDIR)/man$(subst .,,$(suffix $(1)))

RUN_TESTS = BUILD=$(BUILD) CC='$(CC)' SANITIZE=$(SANITIZE) tests/run

# ---------------------------------------------------------------------------
# Flags
# ---------------------------------------------------------------------------

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
    -Wmissing-prototypes -Wconversion -Wwrite-strings -Wcast-qual -Wundef

# $(call accepts,FLAG): FLAG if the compiler knows it, without a word
accepts = $(shell $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null \
    >/dev/null 2>&1 && echo $(1))

# $(call links,FLAG): FLAG if a program can be linked with it, without a word
links = $(shell echo 'int main(void) { return 0; }' | \
    $(CC) -fPIE $(1) -x c -o /dev/null - >/dev/null 2>&1 && echo $(1))

HARDENING := -fPIE -fstack-protector-strong \
    $(call accepts,-fstack-clash-protection) $(call accepts,-fcf-protection)

# _FORTIFY_SOURCE is for optimised code, not for sanitizers, and not for those
# who bring their own.
ifeq ($(SANITIZE)$(findstring _FORTIFY_SOURCE,$(CPPFLAGS)$(CFLAGS)),)
ifneq ($(filter-out -O0,$(filter -O%,$(CFLAGS))),)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
endif

ifneq ($(SANITIZE),)
SANITIZERS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
    -fno-omit-frame-pointer
endif

TELLD_CPPFLAGS = -std=c11 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -Iinclude
TELLD_CFLAGS = $(WARNINGS) $(if $(WERROR),-Werror) $(HARDENING) \
    -ffunction-sections $(SANITIZERS)
ifeq ($(STATIC)$(SANITIZE),yes)
STATIC_PIE := $(call links,-static-pie)
endif

TELLD_LDFLAGS = $(or $(STATIC_PIE),-pie) -Wl,-z,relro,-z,now,--gc-sections $(SANITIZERS)

# tell looks hosts up, which glibc does with shared objects in any case.
$(BUILD)/tell: STATIC_PIE :=

COMPILE = $(CC) $(TELLD_CPPFLAGS) $(CPPFLAGS) $(TELLD_CFLAGS) $(CFLAGS) \
    -MMD -MP
LINK = $(CC) $(TELLD_CFLAGS) $(CFLAGS) $(TELLD_LDFLAGS) $(LDFLAGS)

# What is done stands in a line; V=1 shows how.
Q = $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)')

# ---------------------------------------------------------------------------
# Rules
# ---------------------------------------------------------------------------

.PHONY: programs tests
programs: $(LIB) $(PROGRAMS)
tests: $(UNIT) $(TOOLS)

# The flags of the last build.  When the compiler or a flag has changed, all is
# built anew, so that nothing of two builds is mixed.
FLAGS := $(strip $(COMPILE) $(LINK) $(LDLIBS))
ifneq ($(FLAGS),$(strip $(file <$(BUILD)/flags)))
.PHONY: $(BUILD)/flags
endif

$(BUILD)/flags:
	@$(shell mkdir -p $(@D))$(file >$@,$(FLAGS))

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)
	$Q$(COMPILE) -c -o $@ $<

$(LIB): $(OBJ)
	@mkdir -p $(@D)
	$(call say,AR $@)
	$Qrm -f $@ && $(AR) rcs $@ $(OBJ)

$(BUILD)/telld: $(BUILD)/obj/main.o $(LIB)
	$(call say,LD $@)
	$Q$(LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/tellctl: $(BUILD)/obj/tellctl.o $(LIB)
	$(call say,LD $@)
	$Q$(LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/tell: $(BUILD)/obj/tell.o $(LIB)
	$(call say,LD $@)
	$Q$(LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/unit/%: tests/unit/%.c $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)
	$Q$(COMPILE) -MF $@.d -MT $@ -Itests/unit $(TELLD_LDFLAGS) $(LDFLAGS) \
	    -o $@ $< $(LIB) $(LDLIBS)

$(BUILD)/tools/%: tests/tools/%.c $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)
	$Q$(COMPILE) -MF $@.d -MT $@ $(TELLD_LDFLAGS) $(LDFLAGS) \
	    -o $@ $< $(LIB) $(LDLIBS)

-include $(wildcard $(BUILD)/obj/*.d $(BUILD)/unit/*.d $(BUILD)/tools/*.d)
