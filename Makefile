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
# 1: a warning is an error, as in our own lints. Another compiler than ours may warn of something new.
WERROR ?= 0
# All processors, unless told otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
Q := $(if $(filter 1,$(V)),,@)

# ---- link units -------------------------------------------------------------------------------------

# The executor has all of base and os but what only a host has.
BASE := err fit mem buf strv num text password base64 clock version
OS := fd nowait flow relay path tree proc sig inherit outfile space sparse meminfo
OS_HOST := home loop settled temporary vault
DATA := node jsonl schema tar pack unpack
# What needs libraries that the static executor cannot have; ambient-net has the first.
DATA_NET := digest checksum sshwire
DATA_HOST := contents cpio iso9660 qcow2 yamlfile tarfile
CONTRACT := frame message action endpoint user entry plan event steplog runlog
JAIL := jail jail_inside jail_net jail_mount jail_run jail_seccomp jail_user sidecar
EGRESS := address clienthello egress proxy proxy_conn proxy_dial proxy_http proxy_lookup proxy_serve
AGENT := sshkey knownhosts ask sshagent sshagent_message sshagent_answer sshagent_serve
SETTINGS := architecture config construct project configfiles dputcf credentials names defaults image locate programs clientfile registries statefile
SOURCE := git gitjail gitreply gitsettings gitplace gitconfig gitview repository repository_walk repository_config compose checkout mirrorrefs source declared fingerprint filememory \
	lint shellcheck
# The program ambient-archive, beside its main.
ARCHIVE := foreign members rewrite layertree layers
# The program ambient-hostkey, beside its main and exchange, whose library has names of ours (sftp_open).
HOSTKEY := greeting
MACHINE := accel tsc qemu vm drives disk bootdisk console
SECRETS := secrets secret_read mask mask_trie logmask
STORE := store retention scopes discard archiver convert deps depskey
IMAGING := tarindex blobs container oci dockersave rootfs skopeo forms squash squashroot users partitions diskfile imagestore imagefile import packages spdx
UPKEEP := memory usage claims budget debversion updates
RUN := run run_compare run_reuse run_mirror run_phase planner machine machine_host machine_events machine_network machine_claim hosts said result verdict artifacts adhoc
CLI := main command options hint say load
COMMANDS := cmd_run outputs run_outputs run_upkeep first_import cmd_doctor doctor_ssh doctor_registries cmd_qemu cmd_deps cmd_gc cmd_projects cmd_plan cmd_actions \
	cmd_config cmd_image image_show cmd_state cmd_log cmd_help
SCREEN := outlet screen lines term
HELP := catalog limitlist manual plain
LOG := logread loghtml
# The program ambient-net.
TRANSFER := http answer meter gitrun gitget gitmirror sftp sftpput sshcheck
NETTOOL_OWN_SRC := executor/net/netmain.c executor/net/getfiles.c executor/net/gitdeps.c executor/net/room.c $(patsubst %,actions/ecosystems/%.c,npmlock gitnames)
# Steps that run in a plan's machine are linked into the executor; all actions into ambient.
STEPS := names net spawn tar_extract tar_create
ACTIONS_GUEST := guest_plan check $(STEPS:%=steps/%) mkdir symlink create_file setenv pwd dummy delivery/upload
DELIVERY := delivery rsync rsync2 dput dput2 sftp_put
ECOSYSTEMS := registry gitdeps gitnames cargo rustup npm pip go bundler maven deb
# What the executor expands itself, in a plan that is carried out by hand.
ACTIONS_HAND := by_hand shell custom git_config ecosystems/registry ecosystems/cargo ecosystems/deb
ACTIONS := table giturl http_get git_get git_mirror dns fetch $(filter-out $(ACTIONS_HAND),$(ECOSYSTEMS:%=ecosystems/%)) $(ACTIONS_HAND) $(ACTIONS_GUEST) $(DELIVERY:%=delivery/%)
MACHINE_GUEST := pid1 boot scratch nodes unit onhost guest network tools ports blockdev
JOB := planfile steps ops spawn child account owner program script stream group reap
NET := connect forward watch errorfile
HAND := hand oldplan worker
EXECUTOR := main link $(MACHINE_GUEST:%=machine/%) $(JOB:%=job/%) $(NET:%=net/%) $(HAND:%=hand/%)

BASE_SRC := $(BASE:%=src/base/%.c) $(OS:%=src/os/%.c)
OS_HOST_SRC := $(OS_HOST:%=src/os/%.c)
SHARED_SRC := $(DATA:%=src/data/%.c) $(CONTRACT:%=src/contract/%.c)
DATA_NET_SRC := $(DATA_NET:%=src/data/%.c)
TRANSFER_SRC := $(TRANSFER:%=src/transfer/%.c)
ARCHIVE_SRC := $(ARCHIVE:%=src/archive/%.c)
HOSTKEY_SRC := $(HOSTKEY:%=src/hostkey/%.c)
# The rooms that only the host has, in their order: each may use those before it.
HOST_SRC := $(DATA_HOST:%=src/data/%.c) $(JAIL:%=src/jail/%.c) $(EGRESS:%=src/egress/%.c) $(AGENT:%=src/agent/%.c) \
	$(SETTINGS:%=src/settings/%.c) $(SOURCE:%=src/source/%.c) $(MACHINE:%=src/machine/%.c) \
	$(SECRETS:%=src/secrets/%.c) $(STORE:%=src/store/%.c) $(RUN:%=src/run/%.c) $(IMAGING:%=src/images/%.c) \
	$(UPKEEP:%=src/upkeep/%.c)
CLI_SRC := $(CLI:%=src/cli/%.c) $(COMMANDS:%=src/cli/commands/%.c) $(SCREEN:%=src/cli/screen/%.c) \
	$(HELP:%=src/cli/help/%.c) $(LOG:%=src/cli/log/%.c)
ACTIONS_SRC := $(ACTIONS:%=actions/%.c)
ACTIONS_GUEST_SRC := $(ACTIONS_GUEST:%=actions/%.c) $(ACTIONS_HAND:%=actions/%.c)
EXECUTOR_SRC := $(EXECUTOR:%=executor/%.c)

# Programs that only tests run.
FAKE_QEMU_SRC := tests/tools/fake-qemu.c tests/tools/fake_machine.c tests/tools/fake_guest.c \
	tests/tools/fake_tar.c src/data/qcow2.c $(BASE_SRC) $(SHARED_SRC)
WITH_GUESTS_SRC := tests/tools/with-guests.c tests/tools/guest_space.c tests/tools/guest_net.c \
	tests/tools/fake_machine.c executor/net/forward.c src/jail/jail_user.c $(BASE_SRC)
# A hostile action, for real machines.
GUEST_PROBE_SRC := tests/tools/guest-probe.c tests/tools/probe_devices.c tests/tools/probe_drives.c \
	tests/tools/probe_executor.c tests/tools/probe_files.c tests/tools/probe_network.c $(BASE_SRC) $(SHARED_SRC)
# The egress proxy without a machine, linked with everything but the two mains.
RUN_PROXY_SRC := tests/tools/run-proxy.c
# The readers of numbers, compared with Python's integers.
NUMBERS_SRC := tests/tools/numbers.c $(BASE_SRC)
FAULTS_SRC := tests/tools/faults.c
# In the place of ambient-archive, for tests of what is believed of it.
LIAR_SRC := tests/tools/archive-liar.c $(BASE_SRC) $(SHARED_SRC)
# In the place of ambient-hostkey, for the same.
HOSTKEY_LIAR_SRC := tests/tools/hostkey-liar.c $(BASE_SRC)
# An ssh and sftp server of the worst kind.
SSH_LIAR_SRC := tests/tools/ssh-liar.c tests/tools/liar_ssh.c tests/tools/liar_sftp.c $(BASE_SRC) $(DATA_NET_SRC)

# Each unit test is tests/unit/test_<name>.c, linked with everything but the two mains.
UNIT_TESTS := base loop tree frame message plan action actions executor program forward connect git jail node jsonl yamlfile schema config project \
	store statefile fingerprint gitconfig gitplace archive layertree tarindex account defaults imagefile convert deps retention disk outfile runlog qemu tar pack unpack options verdict screen term logread \
	egress clienthello proxy proxy_http \
	mask said \
	secrets sshagent \
	upload \
	http gitget sftp sshcheck hostkey npmlock gitnames \
	qcow2 iso9660 partitions \
	usage debversion
# Each fuzzer is tests/fuzz/fuzz_<name>.c with its seeds in tests/fuzz/corpus/<name>/.
FUZZERS := yaml json tar frame plan git image proxy clienthello \
	mask agent gitview sftp archive imagefile disk layers tarindex npmlock gitnames

# ---- flags ------------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wredundant-decls -Wundef -Wwrite-strings -Wcast-qual -Wformat=2 \
	-Wno-format-nonliteral -Wvla -Wswitch-enum -Wimplicit-fallthrough $(if $(filter 1,$(WERROR)),-Werror)
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
HOST_LIBS := -lyaml -ljansson -lseccomp -lcrypto
# jansson is linked in, so that the trusted image needs only libraries that nobody links statically.
NETTOOL_LIBS := -l:libjansson.a -lcurl -lcrypto
ARCHIVE_LIBS := -ljansson -larchive
HOSTKEY_LIBS := -lssh

# ---- objects ----------------------------------------------------------------------------------------

obj = $(patsubst %.c,$(O)/%.o,$(1))

# Everything but the two mains: what tests and fuzzers link.
LIBRARY_SRC := $(sort $(BASE_SRC) $(OS_HOST_SRC) $(SHARED_SRC) $(DATA_NET_SRC) $(TRANSFER_SRC) $(NETTOOL_OWN_SRC:executor/net/netmain.c=) $(ARCHIVE_SRC) $(HOSTKEY_SRC) $(HOST_SRC) $(filter-out src/cli/main.c,$(CLI_SRC)) \
	$(ACTIONS_SRC) $(filter-out executor/main.c,$(EXECUTOR_SRC)))
AMBIENT_SRC := $(BASE_SRC) $(OS_HOST_SRC) $(SHARED_SRC) $(DATA_NET_SRC) $(HOST_SRC) $(CLI_SRC) $(ACTIONS_SRC)
GUEST_SRC := $(BASE_SRC) $(SHARED_SRC) src/data/yamlfile.c $(ACTIONS_GUEST_SRC) $(EXECUTOR_SRC)
NETTOOL_SRC := $(BASE_SRC) $(SHARED_SRC) $(DATA_NET_SRC) $(TRANSFER_SRC) executor/net/errorfile.c $(NETTOOL_OWN_SRC)
ASKING_SRC := $(BASE_SRC) $(HOSTKEY_SRC) src/hostkey/exchange.c src/hostkey/main.c
REWRITE_SRC := $(BASE_SRC) $(SHARED_SRC) $(ARCHIVE_SRC) src/archive/main.c

.PHONY: all help
## make               bin/ambient and the programs that it starts
all: bin/ambient bin/ambient-execute-plan bin/ambient-net bin/ambient-archive bin/ambient-hostkey

help:
	@sed -n 's/^## //p' Makefile | awk -F '   +' '{ printf "%-42s %s\n", $$1, $$2 }'

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
	$(Q)$(CC) $(CFLAGS_ALL) $(if $(filter san,$(FLAVOUR)),$(LDFLAGS_ALL),-static-pie -s -Wl,-z,relro,-z,now -Wl,--gc-sections) \
		-o $@ $^ -ljansson -lyaml

# The program for networks in trusted guests, which have its libraries in their image.
$(O)/ambient-net: $(call obj,$(NETTOOL_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(NETTOOL_LIBS)

# Of the programs on the host only this one has libarchive, which needs a dozen libraries more.
$(O)/ambient-archive: $(call obj,$(REWRITE_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(ARCHIVE_LIBS)

# Likewise with libssh, which needs Kerberos.
$(O)/ambient-hostkey: $(call obj,$(ASKING_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOSTKEY_LIBS)

bin/%: $(O)/%
	@mkdir -p bin
	$(Q)cp -f $< $@.new && mv -f $@.new $@

# ---- tests ------------------------------------------------------------------------------------------

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(call obj,$(LIBRARY_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOST_LIBS) -larchive -lcurl -lcmocka

$(O)/tests/fuzz/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(call obj,$(LIBRARY_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOST_LIBS) -larchive -lcurl

# The same without libFuzzer: reads its corpus once, with any compiler.
$(O)/tests/fuzz/replay_%: $(O)/tests/fuzz/fuzz_%.o $(O)/tests/fuzz/replay.o $(call obj,$(LIBRARY_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOST_LIBS) -larchive -lcurl

$(O)/tests/tools/fake-qemu: $(call obj,$(FAKE_QEMU_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ -ljansson

$(O)/tests/tools/with-guests: $(call obj,$(WITH_GUESTS_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^

$(O)/tests/tools/numbers: $(call obj,$(NUMBERS_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^

$(O)/tests/tools/archive-liar: $(call obj,$(LIAR_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ -ljansson

$(O)/tests/tools/hostkey-liar: $(call obj,$(HOSTKEY_LIAR_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^

$(O)/tests/tools/ssh-liar: $(call obj,$(SSH_LIAR_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ -lssh -lcrypto

$(O)/tests/tools/run-proxy: $(call obj,$(RUN_PROXY_SRC) $(LIBRARY_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(HOST_LIBS) -larchive -lcurl

# Preloaded into ambient by tests. It defines what fortified headers define, too.
$(call obj,$(FAULTS_SRC)): CFLAGS_ALL += -fPIC -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=0
$(O)/tests/tools/faults.so: $(call obj,$(FAULTS_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now -o $@ $^

$(O)/tests/tools/guest-probe: $(call obj,$(GUEST_PROBE_SRC))
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -static-pie -s -Wl,-z,relro,-z,now -Wl,--gc-sections -o $@ $^ -ljansson

# The executor's objects, linked dynamically: valgrind has to put its own allocator and string functions
# in place of the C library's.
VALGRIND_SRC := tests/tools/valgrind_syscall.c
$(O)/valgrind/ambient-execute-plan: $(call obj,$(GUEST_SRC) $(VALGRIND_SRC))
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -Wl,--wrap=syscall -o $@ $^ -ljansson -lyaml

$(O)/valgrind/test_%: $(O)/tests/unit/test_%.o $(call obj,$(LIBRARY_SRC) $(VALGRIND_SRC))
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -Wl,--wrap=syscall -o $@ $^ $(HOST_LIBS) -larchive -lcurl -lcmocka

# What tests/run runs. Sanitized: the programs and the unit tests. Not: what runs in a jail or a VM.
.PHONY: test-programs unit-programs test-tools
unit-programs: $(UNIT_TESTS:%=$(O)/tests/unit/test_%)
test-programs: $(O)/ambient $(O)/ambient-execute-plan $(O)/ambient-net $(O)/tests/tools/run-proxy $(O)/tests/tools/numbers unit-programs \
	$(FUZZERS:%=$(O)/tests/fuzz/replay_%)
test-tools: $(O)/ambient-execute-plan $(O)/ambient-net $(O)/ambient-archive $(O)/ambient-hostkey $(O)/tests/tools/fake-qemu $(O)/tests/tools/with-guests $(O)/tests/tools/numbers \
	$(O)/tests/tools/run-proxy $(O)/tests/tools/faults.so $(O)/tests/tools/guest-probe $(O)/tests/tools/archive-liar \
	$(O)/tests/tools/ssh-liar $(O)/tests/tools/hostkey-liar

# $(call ready,GROUPS): set up only when something is missing; silent when nothing is.
ready = +@tools/setup --check $(1) >/dev/null || $(MAKE) --no-print-directory setup SETUP="$(1)"
build_tests = +@$(MAKE) --no-print-directory FLAVOUR=san test-programs && \
	$(MAKE) --no-print-directory FLAVOUR=release all test-tools && ln -sf ../release/ambient-archive ../release/ambient-hostkey build/san/ && \
	ln -sfn ../vm-images build/vm-images

.PHONY: check check-ready check-root check-fast check-unit check-cli check-vm
# A target that runs others says which; a target-specific value of `check` itself would win over that.
TESTS ?= unit $(if $(FUZZERS),fuzz) spec cli faults vm

## make check         every test, real virtual machines included
check: check-ready
	@IMAGES="$(IMAGE_STORE)" tests/run $(TESTS)

## make check-ready   set up and build all that `make check` needs, and run nothing
check-ready:
	$(call ready,build run image test)
	$(build_tests)
	@$(MAKE) --no-print-directory image-tiny
	@$(MAKE) --no-print-directory image-trusted

## make check-root    the tests of what root changes: who QEMU and the jails run as, who owns what
check-root: TESTS := unit tests/cli/users.test tests/cli/sources.test tests/faults/disk.test tests/vm/disk.test \
	tests/vm/jail.test tests/vm/trusted.test
check-root: check

## make check-fast    every test that needs no virtual machine
check-fast: TESTS := unit $(if $(FUZZERS),fuzz) spec cli
check-unit: TESTS := unit $(if $(FUZZERS),fuzz)
check-cli: TESTS := spec cli
check-fast check-unit check-cli:
	$(call ready,build run test)
	$(build_tests)
	@IMAGES="$(IMAGE_STORE)" tests/run $(TESTS)

## make check-vm      only the tests that boot virtual machines
check-vm: TESTS := vm
check-vm: check

## make check-kvm      the same on a host with KVM, and a report of it for the maintainers, who have none
.PHONY: check-kvm
check-kvm:
	$(call ready,build run image test)
	$(build_tests)
	@$(MAKE) --no-print-directory image-tiny
	@$(MAKE) --no-print-directory image-trusted
	@tests/kvm "$(IMAGE_STORE)"

## make check-faults   fail every write and signal at every stage, each in every way; signals in real machines, too
## make check-faults WALK_STEP=4 WALK_FROM=2   the third quarter of them
.PHONY: check-faults
WALK_STEP ?= 1
WALK_FROM ?= 0
check-faults:
	$(call ready,build run image test)
	$(build_tests)
	@$(MAKE) --no-print-directory image-tiny
	@WALK_STEP=$(WALK_STEP) WALK_FROM=$(WALK_FROM) TEST_SECONDS=7200 IMAGES="$(IMAGE_STORE)" tests/run faults tests/vm/kills.test

## make check-valgrind   unit tests, and the executor in tests with fake-qemu, under valgrind
.PHONY: check-valgrind
# Not: what makes jails (git, jail, proxy, sshagent, convert; see tests/valgrind), what tests the walls of openat2, which valgrind
# does not know (unpack, project, upload), what waits for commands by pidfd_open, which it does not know either (secrets),
# the floods of screen, which take it a quarter of an hour, and programs that cannot be run (program): valgrind itself does not
# outlive an execve that fails.
VALGRIND_UNITS := $(filter-out git jail proxy sshagent convert unpack project upload secrets screen program,$(UNIT_TESTS))
VALGRIND_SUITES ?= tests/cli/run.test tests/cli/cache.test tests/cli/scope.test
check-valgrind:
	$(call ready,build run test valgrind)
	+@$(MAKE) --no-print-directory FLAVOUR=release all test-tools build/release/valgrind/ambient-execute-plan \
		$(VALGRIND_UNITS:%=build/release/valgrind/test_%)
	@mkdir -p build/release/valgrind/tests/tools
	@ln -sf ../ambient ../ambient-net ../ambient-archive ../ambient-hostkey build/release/valgrind/
	@ln -sf ../../../tests/tools/run-proxy ../../../tests/tools/numbers build/release/valgrind/tests/tools/
	@tests/valgrind $(VALGRIND_UNITS) -- $(VALGRIND_SUITES)

## make fuzz T=tar S=60   fuzz one reader for so many seconds; all of them without T
.PHONY: fuzz fuzz-replay
T ?= $(FUZZERS)
S ?= 60
fuzz:
	$(call ready,build lint)
	@$(MAKE) --no-print-directory FLAVOUR=fuzz $(T:%=build/fuzz/tests/fuzz/fuzz_%)
	@tests/fuzz/run $(S) $(T)

## make fuzz-replay   read every corpus once
fuzz-replay:
	$(call ready,build test)
	$(build_tests)
	@tests/run fuzz

# The init of the boot that `make bench` compares with.
$(O)/tests/bench/poweroff: $(O)/tests/bench/poweroff.o
	$(Q)$(CC) $(CFLAGS_ALL) -static-pie -s -o $@ $<

## make bench         measure what docs/performance.md claims; the figures also go to build/bench.json
.PHONY: bench
ROUNDS ?= 5
bench:
	$(call ready,build run image bootstrap real test registry)
	@$(MAKE) --no-print-directory all build/release/tests/bench/poweroff build/release/tests/tools/run-proxy
	@$(MAKE) --no-print-directory image-tiny image-trusted image-debian image-rust
	@tests/bench/bench bin/ambient "$(IMAGE_STORE)" build/release/tests/bench/poweroff \
		--rounds $(ROUNDS) --json build/bench.json

## make lint          layers, sizes, format, warnings of two compilers, static analysis
.PHONY: lint
lint:
	$(call ready,build test lint)
	@tests/lint/run $(LINTS)

## make docs          write the generated parts of docs/ again
.PHONY: docs
docs: all
	@tools/docs bin/ambient

# For tests/lint.
.PHONY: list-sources list-fuzzers all-objects
list-fuzzers:
	@echo $(FUZZERS)
TEST_SRC := $(UNIT_TESTS:%=tests/unit/test_%.c) $(FUZZERS:%=tests/fuzz/fuzz_%.c) tests/fuzz/replay.c
list-sources:
	@printf '%s\n' $(sort $(AMBIENT_SRC) $(GUEST_SRC) $(NETTOOL_SRC) $(REWRITE_SRC) $(ASKING_SRC) $(FAKE_QEMU_SRC) $(WITH_GUESTS_SRC) $(FAULTS_SRC) $(RUN_PROXY_SRC) $(NUMBERS_SRC) $(LIAR_SRC) $(SSH_LIAR_SRC) $(HOSTKEY_LIAR_SRC) $(GUEST_PROBE_SRC) $(VALGRIND_SRC) $(TEST_SRC) tests/bench/poweroff.c)
all-objects: $(call obj,$(sort $(AMBIENT_SRC) $(GUEST_SRC) $(NETTOOL_SRC) $(REWRITE_SRC) $(ASKING_SRC) $(FAKE_QEMU_SRC) $(WITH_GUESTS_SRC) $(FAULTS_SRC) $(RUN_PROXY_SRC) $(NUMBERS_SRC) $(LIAR_SRC) $(SSH_LIAR_SRC) $(HOSTKEY_LIAR_SRC) $(GUEST_PROBE_SRC) $(VALGRIND_SRC) $(TEST_SRC) tests/bench/poweroff.c))

## make check-recipes RECIPE="rust go"   make the images of stock recipes, and build small projects in them; all unless told
.PHONY: check-recipes
check-recipes:
	$(call ready,build run image bootstrap test)
	@$(MAKE) --no-print-directory all
	@tests/recipes/run bin/ambient "$(IMAGE_STORE)" $(RECIPE)

## make check-registries REGISTRY="rust go"   fetch and use the dependencies of small projects, as docs/ecosystems.md shows it
.PHONY: check-registries
check-registries:
	$(call ready,build run image bootstrap test)
	@$(MAKE) --no-print-directory all
	@tests/registries/run bin/ambient "$(IMAGE_STORE)" $(REGISTRY)

## make check-real    build and test four projects of others in machines, and compare with the host
.PHONY: check-real
check-real:
	$(call ready,build run image bootstrap real)
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory image-debian
	@tests/real/run bin/ambient "$(IMAGE_STORE)" $(REAL)

## make dogfood       build this project and run its unit tests in a machine, by projects.yaml
.PHONY: dogfood
dogfood:
	$(call ready,build run image bootstrap)
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory image-debian
	@tools/dogfood "$(IMAGE_STORE)"

# ---- installing -------------------------------------------------------------------------------------

## make setup         install the Debian packages that are missing, after showing their names
.PHONY: setup
SETUP ?= build run image bootstrap test lint
setup:
	@tools/setup $(SETUP)

## make image-tiny IMAGE_STORE=DIR   make the small guest image, unless it is there already
.PHONY: image-tiny
image-tiny:
	$(call ready,image)
	@vm-images/build tiny "$(IMAGE_STORE)"

## make image-trusted IMAGE_STORE=DIR   make the guest image of pre- and post-plans, unless it is there already
.PHONY: image-trusted
image-trusted:
	$(call ready,image)
	@vm-images/build trusted "$(IMAGE_STORE)"

## make image-debian IMAGE_STORE=DIR   make the guest image with compilers and build tools, unless it is there already
.PHONY: image-debian
image-debian:
	$(call ready,image bootstrap)
	@vm-images/build debian "$(IMAGE_STORE)"

## make demo          set up, build, make the image, run a small project in a virtual machine
.PHONY: demo
demo:
	$(call ready,build run image)
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory image-tiny
	@tools/demo "$(IMAGE_STORE)"

RECIPES = $(DESTDIR)$(PREFIX)/share/ambient/recipes

## make install PREFIX=/usr/local DESTDIR=   put programs, recipes of images, manual pages and documentation there
.PHONY: install
install: all
	install -D -m 755 bin/ambient "$(DESTDIR)$(PREFIX)/bin/ambient"
	install -D -m 755 bin/ambient-execute-plan "$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-execute-plan"
	install -D -m 755 bin/ambient-net "$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-net"
	install -D -m 755 bin/ambient-archive "$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-archive"
	install -D -m 755 bin/ambient-hostkey "$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-hostkey"
	find vm-images -type f ! -name README.md -exec sh -c \
		'for f; do install -D -m "$$(stat -c %a "$$f")" "$$f" "$$0/$${f#*/}"; done' "$(RECIPES)" {} +
	install -d $(foreach s,1 5,"$(DESTDIR)$(PREFIX)/share/man/man$(s)")
	@tools/install-docs "$(DESTDIR)$(PREFIX)/share/doc/ambient"
	install -m 644 $(wildcard docs/man/*.1) "$(DESTDIR)$(PREFIX)/share/man/man1/"
	install -m 644 $(wildcard docs/man/*.5) "$(DESTDIR)$(PREFIX)/share/man/man5/"

## make uninstall PREFIX=/usr/local DESTDIR=   remove what install has put there, and only that
.PHONY: uninstall
uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/ambient" "$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-execute-plan" \
		"$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-net" "$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-archive" \
		"$(DESTDIR)$(PREFIX)/libexec/ambient/ambient-hostkey"
	find vm-images -type f -exec sh -c 'for f; do rm -f "$$0/$${f#*/}"; done' "$(RECIPES)" {} +
	-find "$(RECIPES)" -depth -type d -exec rmdir {} + 2>/dev/null
	@tools/install-docs --remove "$(DESTDIR)$(PREFIX)/share/doc/ambient"
	rm -f $(foreach f,$(notdir $(wildcard docs/man/*.1)),"$(DESTDIR)$(PREFIX)/share/man/man1/$(f)")
	rm -f $(foreach f,$(notdir $(wildcard docs/man/*.5)),"$(DESTDIR)$(PREFIX)/share/man/man5/$(f)")
	-rmdir "$(DESTDIR)$(PREFIX)/libexec/ambient" 2>/dev/null

## make dist-offline IMAGES="tiny trusted"   one tar of programs, documentation and images, for machines without network
# In the environment of tests, IMAGES is an image store. Images without a recipe here are taken as they are in the store.
KIT_IMAGES = $(if $(filter command line,$(origin IMAGES)),$(IMAGES),tiny trusted)
.PHONY: dist-offline
dist-offline:
	$(call ready,build image $(if $(filter debian,$(KIT_IMAGES)),bootstrap))
	@$(MAKE) --no-print-directory all $(foreach i,$(KIT_IMAGES),$(if $(wildcard vm-images/$(i)/packages),image-$(i)))
	+@tools/dist-offline "$(VERSION)" "$(IMAGE_STORE)" "build/ambient-$(VERSION)-offline.tar" $(KIT_IMAGES)

## make deb           Debian packages of programs and tiny image, in build/deb
.PHONY: deb check-deb
deb:
	$(call ready,build image deb)
	@$(MAKE) --no-print-directory image-tiny
	@tools/deb "$(VERSION)" "$(COMMIT)" "$(IMAGE_STORE)" build/deb

## make check-deb     install them in a clean Debian and run a project there; takes minutes, fetches 200 MB
check-deb: deb
	$(call ready,check-deb)
	@tests/deb/check build/deb

.PHONY: clean FORCE
clean:
	rm -rf build bin

FORCE:
.SECONDARY:
-include $(shell find $(O) -name '*.d' 2>/dev/null)
