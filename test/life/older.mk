# Builds today's library once more under the number of an older version, for tests where library and SQL differ:
# make -f test/life/older.mk OLDER_VERSION=1.0 test/life/older/instagram_insights.so
include Makefile

OLDER_VERSION ?= 1.0
EXTRA_CLEAN += test/life/older

test/life/older/version.o: src/postgres/version.cpp test/life/older.mk
	@mkdir -p $(@D)
	$(COMPILE.cc) -DIG_VERSION='"$(OLDER_VERSION)"' -o $@ $<

# Less what the SQL of that version does not have.
test/life/older/queue.cpp: src/postgres/queue.cpp test/life/older.mk
	@mkdir -p $(@D)
	sed '/try_started_at/d; /ig_log_lost_tries/d' $< >$@

test/life/older/queue.o: test/life/older/queue.cpp
	$(COMPILE.cc) -o $@ $<

test/life/older/$(shlib): test/life/older/version.o test/life/older/queue.o $(OBJS)
	$(LINK.shared) -o $@ $(filter-out src/postgres/version.o src/postgres/queue.o,$^) $(LDFLAGS) $(LDFLAGS_SL) $(SHLIB_LINK)
