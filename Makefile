# SPDX-License-Identifier: Apache-2.0
#
# One file for everything. `make help` lists the targets that people use.
#
# Every link unit lists its sources by name: the list is documentation, and a file that was forgotten
# shows. Flavours (release, san, fuzz) build the same lists into build/<flavour>/.

VERSION := 0.1.0
COMMIT := $(shell git -C "$(CURDIR)" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

PREFIX ?= /usr/local
DESTDIR ?=
IMAGE_STORE ?= $(CURDIR)/images
FLAVOUR ?= release
O ?= build/$(FLAVOUR)
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

# ---- link units -------------------------------------------------------------------------------------

BASE := err mem buf strv fd path num clock proc sig text base64 version
CORE := frame message node jsonl schema action plan event tar pack unpack
HOST := digest yamlfile config project verdict image locate planner store tsc cpio qemu vm accel drives \
	runlog stage artifacts run git jail jail_inside jail_mount jail_run jail_seccomp jail_user
CLI := main
ACTIONS := table
EXECUTOR := main

BASE_SRC := $(BASE:%=src/base/%.c)
CORE_SRC := $(CORE:%=src/core/%.c)
HOST_SRC := $(HOST:%=src/host/%.c)
CLI_SRC := $(CLI:%=src/cli/%.c)
ACTIONS_SRC := $(ACTIONS:%=actions/%.c)
EXECUTOR_SRC := $(EXECUTOR:%=executor/%.c)

# Each unit test is tests/unit/test_<name>.c, linked with everything but the two mains.
UNIT_TESTS := base
# Each fuzzer is tests/fuzz/fuzz_<name>.c with its seeds in tests/fuzz/corpus/<name>/.
FUZZERS :=

# ---- flags ------------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wredundant-decls -Wundef -Wwrite-strings -Wcast-qual -Wformat=2 \
	-Wno-format-nonliteral -Wvla -Wswitch-enum -Wimplicit-fallthrough -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
CPPFLAGS_ALL := -D_GNU_SOURCE -Isrc -I. $(CPPFLAGS)

CFLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
CFLAGS_san := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_san := -fsanitize=address,undefined
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
ifeq ($(FLAVOUR),fuzz)
CC := clang
endif

CFLAGS_ALL := -std=gnu17 $(WARN) $(HARDEN) -ffunction-sections -fdata-sections -fno-common \
	$(CFLAGS_$(FLAVOUR)) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--gc-sections $(LDFLAGS_$(FLAVOUR)) $(LDFLAGS)
HOST_LIBS := -lyaml -ljansson -lcrypto

# ---- objects ----------------------------------------------------------------------------------------

obj = $(patsubst %.c,$(O)/%.o,$(1))

# Everything but the two mains: what tests and fuzzers link.
LIBRARY_SRC := $(BASE_SRC) $(CORE_SRC) $(HOST_SRC) $(filter-out src/cli/main.c,$(CLI_SRC)) \
	$(ACTIONS_SRC) $(filter-out executor/main.c,$(EXECUTOR_SRC))
AMBIENT_SRC := $(BASE_SRC) $(CORE_SRC) $(HOST_SRC) $(CLI_SRC) $(ACTIONS_SRC)
GUEST_SRC := $(BASE_SRC) $(CORE_SRC) $(ACTIONS_SRC) $(EXECUTOR_SRC)

.PHONY: all help
all: bin/ambient bin/ambient-execute-plan

help:
	@sed -n 's/^## \?//p' Makefile

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The version is compiled into one object, which is made again when the commit changes.
$(O)/version.stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(COMMIT)' | cmp -s - $@ || echo '$(VERSION) $(COMMIT)' > $@
$(O)/src/base/version.o: $(O)/version.stamp
$(O)/src/base/version.o: CPPFLAGS_ALL += -DAMBIENT_VERSION='"$(VERSION)"' -DAMBIENT_COMMIT='"$(COMMIT)"'

$(O)/ambient: $(call obj,$(AMBIENT_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOST_LIBS)

# The executor runs in guests of any distribution: static, and small because every boot loads it.
$(O)/ambient-execute-plan: $(call obj,$(GUEST_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(if $(filter san,$(FLAVOUR)),$(LDFLAGS_ALL),-static-pie -Wl,-z,relro,-z,now -Wl,--gc-sections) \
		-o $@ $^ -ljansson

bin/%: $(O)/%
	@mkdir -p bin
	$(Q)cp -f $< $@.new && mv -f $@.new $@

# ---- tests ------------------------------------------------------------------------------------------

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(call obj,$(LIBRARY_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOST_LIBS) -lcmocka

$(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(call obj,$(LIBRARY_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOST_LIBS)

.PHONY: clean FORCE
clean:
	rm -rf build bin

FORCE:
.SECONDARY:
-include $(shell find $(O) -name '*.d' 2>/dev/null)
