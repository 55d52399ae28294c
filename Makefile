# make              build/ngx_llm_gateway_module.so for the packaged nginx
# make NGINX_SRC=DIR    ... for an nginx source tree (NGINX_BIN=FILE: with
#                       the configure options of that binary)
# make install      where Debian's nginx looks (DESTDIR is honoured)
# make test         unit tests and suites; see README for the others

BUILD = build
NGINX_BIN =
NGINX_SRC =
NGINX_DEV = /usr/share/nginx/src
FUZZ_SECONDS = 10
TARGETS = modules
VALGRIND_T = t/00-load.t
ASAN_T = t
HUP_T = t
DESTDIR =

SO = $(BUILD)/ngx_llm_gateway_module.so

# V=1 shows the commands

ifeq ($(V),)
Q = @
QUIET = -s
endif

# one directory of objects for each nginx built against

ifeq ($(NGINX_SRC),)
OBJS = $(BUILD)/nginx
else
OBJS = $(BUILD)/nginx-$(subst /,_,$(abspath $(NGINX_SRC)))
endif

# all cores, unless make was told how many to use

JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

FILES := $(sort $(wildcard ngx_llm_gateway_module/*/*.[ch]))
export NGINX_SRC NGINX_BIN NGINX_DEV NGINX_OPTS CC_OPT LD_OPT BUILD


all: $(SO)


# ---- the module

# names what configure was run for, and changes only when that does

$(OBJS)/inputs: FORCE
	@mkdir -p $(OBJS)
	@{ echo '$(FILES) $(NGINX_SRC) $(NGINX_BIN) $(NGINX_OPTS)' \
	        '$(CC_OPT) $(LD_OPT)'; \
	   cat $(NGINX_DEV)/src/core/nginx.h $(NGINX_DEV)/conf_flags \
	       2>/dev/null || true; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(OBJS)/from: $(OBJS)/inputs config scripts/configure.sh
	@rm -f $@
	scripts/configure.sh $(OBJS)

# nginx's own makefile knows which object needs what

$(SO): $(OBJS)/from FORCE
	@+cd "$$(cat $(OBJS)/from)" && $(MAKE) --no-print-directory $(QUIET) \
	    $(JOBS) -f $(abspath $(OBJS))/Makefile $(TARGETS)
	@cmp -s $(OBJS)/ngx_http_llm_gateway_module.so $@ \
	    || { cp $(OBJS)/ngx_http_llm_gateway_module.so $@.new \
	         && mv -v $@.new $@; }


install: $(SO)
	install -d $(DESTDIR)/usr/lib/nginx/modules \
	    $(DESTDIR)/usr/share/nginx/modules-available \
	    $(DESTDIR)/etc/nginx/modules-enabled
	install -m 644 $(SO) $(DESTDIR)/usr/lib/nginx/modules/
	echo 'load_module modules/ngx_llm_gateway_module.so;' \
	    > $(DESTDIR)/usr/share/nginx/modules-available/$(SNIPPET)
	ln -sf /usr/share/nginx/modules-available/$(SNIPPET) \
	    $(DESTDIR)/etc/nginx/modules-enabled/50-$(SNIPPET)

uninstall:
	rm -f $(DESTDIR)/etc/nginx/modules-enabled/50-$(SNIPPET) \
	    $(DESTDIR)/usr/share/nginx/modules-available/$(SNIPPET) \
	    $(DESTDIR)/usr/lib/nginx/modules/ngx_llm_gateway_module.so

SNIPPET = mod-http-llm-gateway.conf


# ---- the pure layer: unit tests and fuzzers

LLM := $(sort $(wildcard ngx_llm_gateway_module/llm/*.c))
SERVICE_UNIT := $(sort $(wildcard t/unit/test_health*.c))
UNIT := $(filter-out $(SERVICE_UNIT),$(sort $(wildcard t/unit/test_*.c)))
FUZZ := $(sort $(wildcard t/fuzz/fuzz_*.c))

PURE = -Ingx_llm_gateway_module/llm -W -Wall -Wpointer-arith \
    -Wno-unused-parameter -Werror -g -O1 -fno-omit-frame-pointer -MMD -MP
UNIT_CC = gcc
UNIT_FLAGS = $(PURE) -It/unit -fsanitize=address,undefined \
    -fno-sanitize-recover=undefined
FUZZ_CC = clang
FUZZ_FLAGS = $(PURE) -It/fuzz -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=undefined

UNIT_OBJS = $(LLM:ngx_llm_gateway_module/llm/%.c=$(BUILD)/unit/llm/%.o)
FUZZ_OBJS = $(LLM:ngx_llm_gateway_module/llm/%.c=$(BUILD)/fuzz/llm/%.o)
UNIT_BINS = $(UNIT:t/unit/%.c=$(BUILD)/unit/%)
FUZZ_BINS = $(FUZZ:t/fuzz/%.c=$(BUILD)/fuzz/%)

$(BUILD)/unit/llm/%.o: ngx_llm_gateway_module/llm/%.c
	@mkdir -p $(@D)
	$(Q)$(UNIT_CC) $(UNIT_FLAGS) -c -o $@ $<

$(BUILD)/fuzz/llm/%.o: ngx_llm_gateway_module/llm/%.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -c -o $@ $<

# archives: a test may include the .c that it tests

$(BUILD)/unit/libllm.a: $(UNIT_OBJS)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/fuzz/libllm.a: $(FUZZ_OBJS)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/unit/test_%: t/unit/test_%.c $(BUILD)/unit/libllm.a
	$(Q)$(UNIT_CC) $(UNIT_FLAGS) -o $@ $< $(BUILD)/unit/libllm.a -lcjson -lm $(UNIT_LIBS)

# scripts are run by a redis-server of the test's own

$(BUILD)/unit/test_limit_script: UNIT_LIBS = -lhiredis

$(BUILD)/fuzz/fuzz_%: t/fuzz/fuzz_%.c $(BUILD)/fuzz/libllm.a
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< \
	    $(BUILD)/fuzz/libllm.a -lcjson

# services need nginx's headers, as configured, but none of its objects: their
# tests stand in for the functions that they call

SERVICE_FLAGS = -Ingx_llm_gateway_module/service -I$(OBJS) $(addprefix \
    -I$$(cat $(OBJS)/from)/src/,core event event/modules os/unix)
SERVICE_BINS = $(SERVICE_UNIT:t/unit/%.c=$(BUILD)/unit/%)
HEALTH := $(wildcard ngx_llm_gateway_module/service/ngx_llm_health*.[ch] \
    ngx_llm_gateway_module/service/ngx_llm_zone.h t/unit/*.h)

$(SERVICE_BINS): $(BUILD)/unit/%: t/unit/%.c $(HEALTH) $(OBJS)/from
	@mkdir -p $(@D)
	$(Q)$(UNIT_CC) $(filter-out -MMD -MP,$(UNIT_FLAGS)) $(SERVICE_FLAGS) \
	    -o $@ $(filter %.c,$^)

-include $(wildcard $(BUILD)/unit/*.d $(BUILD)/unit/llm/*.d \
                    $(BUILD)/fuzz/*.d $(BUILD)/fuzz/llm/*.d)

ifneq ($(NGINX_SRC)$(wildcard $(NGINX_DEV)/conf_flags),)
UNIT_BINS += $(SERVICE_BINS)
else
SERVICE_SKIP = $(SERVICE_BINS)
endif

unit: $(UNIT_BINS)
	@for t in $(SERVICE_SKIP); do \
	    echo "skip    $$(basename $$t)  no nginx-dev in $(NGINX_DEV)"; \
	done
	@sh scripts/unit.sh $(UNIT_BINS)

unit-service: $(SERVICE_BINS)
	@sh scripts/unit.sh $(SERVICE_BINS)

fuzz: $(FUZZ_BINS)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) sh scripts/fuzz.sh $(FUZZ_BINS)


# ---- the whole

check: $(OBJS)/from
	@OBJS=$(OBJS) perl t/lib/check.pl

suite: $(SO)
	@sh scripts/suite.sh t

test: unit suite

hup: $(SO)
	@TEST_NGINX_USE_HUP=1 sh scripts/suite.sh $(HUP_T)

valgrind: $(SO)
	@TEST_NGINX_USE_VALGRIND=1 sh scripts/suite.sh $(VALGRIND_T)

asan:
	@sh scripts/asan.sh $(ASAN_T)

sdk: $(SO)
	@sh t/sdk/run.sh

compat:
	@sh scripts/compat.sh

demo:
	@sh scripts/demo.sh

bench: $(SO)
	@sh bench/run.sh

clean:
	rm -rf $(BUILD)

FORCE:

.PHONY: all install uninstall unit unit-service fuzz check suite test hup \
    valgrind asan sdk compat demo bench clean FORCE
