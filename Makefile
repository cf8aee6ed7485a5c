# Builds and installs the extension with PGXS: make && make install && make installcheck
#
#   PG_CONFIG=...    the server to build for (default: pg_config in PATH)
#   WERROR=1         warnings are errors
#   with_llvm=no     no bitcode, which only the JIT compiler's inlining uses; saves half of the build time

PG_CONFIG ?= pg_config
PG_VERSION := $(shell $(PG_CONFIG) --version 2>/dev/null)
PG_MAJOR := $(shell echo '$(PG_VERSION)' | sed -n 's/^PostgreSQL \([0-9][0-9]*\).*/\1/p')
ifeq ($(PG_MAJOR),)
$(error $(PG_CONFIG) does not run: install the server headers (Debian: postgresql-server-dev-15) or set PG_CONFIG)
endif
ifneq ($(shell test $(PG_MAJOR) -ge 15 && echo yes),yes)
$(error instagram_insights needs PostgreSQL 15 or newer, but $(PG_CONFIG) belongs to $(PG_VERSION))
endif

EXTENSION = instagram_insights
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" instagram_insights.control)
MODULE_big = instagram_insights
OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard src/*/*.cpp src/*/*/*.cpp)))
DATA = $(sort $(wildcard schema/updates/*.sql))
DATA_built = instagram_insights--$(EXTVERSION).sql

REGRESS = $(basename $(notdir $(sort $(wildcard sql/*.sql))))
ISOLATION = $(basename $(notdir $(sort $(wildcard test/isolation/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test/isolation

DEPENDENCIES = $(OBJS:.o=.d)
EXTRA_CLEAN = $(DEPENDENCIES) $(OBJS:.o=.bc) src/*/*.d src/*/*/*.d instagram_insights--*.sql output_iso

# The server headers come as system headers: their warnings are not ours.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) \
              $(shell pkg-config --cflags libcurl libsodium 2>/dev/null)
HOUSE_CXXFLAGS = -std=c++20 -fvisibility=hidden -fvisibility-inlines-hidden -Wno-register
PG_CXXFLAGS = $(HOUSE_CXXFLAGS) -MMD -MP -Wall -Wextra -Wshadow -Wnon-virtual-dtor $(if $(filter 1,$(WERROR)),-Werror)
# PGXS links with the C compiler. The export list keeps templates of the standard library out of the symbol table,
# where another C++ extension could be bound to them.
SHLIB_LINK = $(shell pkg-config --libs libcurl libsodium 2>/dev/null || echo -lcurl -lsodium) -lstdc++ \
             -Wl,--version-script=src/instagram_insights.map

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS compiles bitcode with clang and without PG_CXXFLAGS; it knows nothing of headers either, so it follows the object.
COMPILE.cxx.bc += $(HOUSE_CXXFLAGS)
ifeq ($(with_llvm),yes)
$(OBJS:.o=.bc): %.bc: %.o
endif
-include $(DEPENDENCIES)

# Only the object that reports the version knows it, so that a new version compiles one file.
VERSIONED = $(or $(filter src/postgres/version.o,$(OBJS)),$(filter src/postgres/%,$(OBJS)))
$(VERSIONED) $(VERSIONED:.o=.bc): override CPPFLAGS += -DIG_VERSION='"$(EXTVERSION)"'
$(VERSIONED): instagram_insights.control

$(shlib): src/instagram_insights.map

instagram_insights--$(EXTVERSION).sql: $(sort $(wildcard schema/*.sql)) instagram_insights.control
	cat $(filter %.sql,$^) > $@.new && mv $@.new $@
