# Builds today's library once more under the number of an older version, for tests where library and SQL differ:
# make -f test/life/older.mk OLDER_VERSION=1.0 test/life/older/instagram_insights.so
include Makefile

OLDER_VERSION ?= 1.0
EXTRA_CLEAN += test/life/older

test/life/older/version.o: src/postgres/version.cpp test/life/older.mk
	@mkdir -p $(@D)
	$(COMPILE.cc) -DIG_VERSION='"$(OLDER_VERSION)"' -o $@ $<

test/life/older/$(shlib): test/life/older/version.o $(OBJS)
	$(LINK.shared) -o $@ $(filter-out src/postgres/version.o,$^) $(LDFLAGS) $(LDFLAGS_SL) $(SHLIB_LINK)
