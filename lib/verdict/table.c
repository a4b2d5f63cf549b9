/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A verdict as JSON, schema ccaio.verdict/1: see ccaio-verdict(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/cost/cost.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/tables.h"
#include "lib/json/table.h"
#include "lib/verdict/breach.h"
#include "lib/verdict/finding.h"
#include "lib/verdict/json.h"
#include "lib/verdict/table.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"
#include "lib/verdict/version.h"

#define MAX_DEVICES 65536
#define MAX_NOTES 4096
#define MAX_COMMAND (1 << 20) /* arguments of a command */

JWORDS(outcome_word, outcome, outcome_name)
JWORDS(scope_word, scope, scope_name)
JWORDS(setting_word, setting, setting_name)
JWORDS(claim_word, claim_id, claim_name)
JWORDS(claim_state_word, claim_state, claim_state_name)
JWORDS(cond_word, cond_id, cond_name)
JWORDS(cond_state_word, cond_state, cond_state_name)
JWORDS(memory_word, memory_state, memory_state_name)
JWORDS(rmm_word, rmm_state, rmm_state_name)
JWORDS(purpose_word, witness_purpose, witness_purpose_name)
JWORDS(breach_word, breach, breach_name)
JWORDS(kind_word, event_kind, event_kind_name)
JWORDS(dir_word, event_dir, event_dir_name)

#define STATE(S, M, WORD, N) JWORD("state", S, M, WORD, N, .flags = JF_REQUIRED)

/* Bits of an enum as a list of its names; names of a newer version are bit 0. */
static void read_bits(const struct jrow *row, const struct jval *object, void *what)
{
	uint32_t *bits = (uint32_t *)((char *)what + row->offset);
	struct jval list = jval_member(object, row->key);

	for (size_t i = 0; i < jval_count(&list); i++) {
		struct jval item = jval_item(&list, i);
		char *word = jval_text(&item);
		uint64_t bit = 0;

		if (!word)
			jval_fail(&item, "expected a string");
		while (word && bit < row->max && strcmp(row->word((int)bit), word) != 0)
			bit++;
		*bits |= 1u << (bit < row->max ? bit : 0);
		free(word);
	}
}

static void write_bits(const struct jrow *row, struct jwriter *w, const void *what)
{
	uint32_t bits = *(const uint32_t *)((const char *)what + row->offset);

	jwrite_array(w, row->key);
	for (uint64_t i = 0; i < row->max; i++) {
		if (bits & 1u << i)
			jwrite_string(w, NULL, row->word((int)i));
	}
	jwrite_end_array(w);
}

static const struct jown bits_own = {
	.read = read_bits,
	.write = write_bits,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}",
};

#define BITS(K, S, M, WORD, N) JOWN(K, S, M, &bits_own, .word = WORD, .max = N)

#define V struct verdict
#define RECORD struct verdict_record
#define LINE struct timeline
#define TOTALS struct device_totals

static const struct jrow claim_rows[] = {
	STATE(struct claim_verdict, state, claim_state_word, CLAIM_STATES),
	JTEXT("reason", struct claim_verdict, reason),
	JCOUNT(struct claim_verdict, refutations),
	JBOOL("required", struct claim_verdict, required),
	JEND,
};
static const struct jrow claim_row = { .type = JT_OBJECT,
				       .size = sizeof(struct claim_verdict),
				       .of = claim_rows };

static const struct jrow cond_rows[] = {
	STATE(struct cond_verdict, state, cond_state_word, COND_STATES),
	JTEXT("reason", struct cond_verdict, reason),
	JTEXT("remedy", struct cond_verdict, remedy),
	JEND,
};
static const struct jrow cond_row = { .type = JT_OBJECT,
				      .size = sizeof(struct cond_verdict),
				      .of = cond_rows };

#define EXAMPLE struct counterexample
static const struct jrow example_rows[] = {
	JWORD("claim", EXAMPLE, claim, claim_word, CLAIMS, .flags = JF_REQUIRED),
	JTEXT("text", EXAMPLE, text),
	JNUMBER("event", EXAMPLE, seq, UINT64_MAX),
	JNUMBER("time_ns", EXAMPLE, event.ts_ns, UINT64_MAX),
	JWORD("kind", EXAMPLE, event.kind, kind_word, EVENT_KINDS, .flags = JF_REQUIRED),
	JWORD("direction", EXAMPLE, event.dir, dir_word, EVENT_DIR_NONE + 1, .flags = JF_REQUIRED),
	JTEXT("device", EXAMPLE, device),
	JHEX("original", EXAMPLE, event.orig, UINT64_MAX, .flags = JF_NULL,
	     .unknown = EVENT_NO_ADDR),
	JHEX("dma", EXAMPLE, event.dma, UINT64_MAX, .flags = JF_NULL, .unknown = EVENT_NO_ADDR),
	JNUMBER("size", EXAMPLE, event.size, UINT64_MAX),
	JWORD("memory", EXAMPLE, memory, memory_word, MEMORY_STATES, .flags = JF_REQUIRED),
	JTEXT("comm", EXAMPLE, comm),
	JNUMBER("pid", EXAMPLE, event.pid, UINT32_MAX),
	JNUMBER("cpu", EXAMPLE, event.cpu, UINT16_MAX),
	JHEX("attrs", EXAMPLE, event.attrs, UINT32_MAX),
	JHEX("flags", EXAMPLE, event.flags, UINT16_MAX),
	BITS("claims", EXAMPLE, claims, claim_word, CLAIMS),
	JNUMBER("finding", EXAMPLE, finding, VERDICT_FINDINGS),
	JEND,
};

#define FINDING struct verdict_finding
static const struct jrow finding_rows[] = {
	BITS("claims", FINDING, claims, claim_word, CLAIMS),
	BITS("breaches", FINDING, breaches, breach_word, BREACHES),
	JTEXT("device", FINDING, device),
	JWORD("kind", FINDING, kind, kind_word, EVENT_KINDS, .flags = JF_REQUIRED),
	JWORD("direction", FINDING, dir, dir_word, EVENT_DIR_NONE + 1, .flags = JF_REQUIRED),
	JCOUNT(FINDING, count),
	JCOUNT(FINDING, first_event),
	JCOUNT(FINDING, first_ns),
	JCOUNT(FINDING, last_event),
	JCOUNT(FINDING, last_ns),
	JNUMBER("largest_bytes", FINDING, largest, UINT64_MAX),
	JNUMBER("example", FINDING, example, CLAIMS *VERDICT_EXAMPLES, .flags = JF_REQUIRED),
	JSTRINGS("stack", FINDING, stack, nstack, VERDICT_FRAMES, .flags = JF_OMIT | JF_TEXT),
	JNUMBER("stack_event", FINDING, stack_event, UINT64_MAX, .flags = JF_OMIT),
	JEND,
};

#define TOTAL(M) JCOUNT(TOTALS, M)
#define BY_DIR(M) JNUMBERS(#M, TOTALS, M)
const struct jrow verdict_device_totals[] = {
	BY_DIR(maps),	       BY_DIR(map_bytes),    TOTAL(bounced),
	TOTAL(direct),	       TOTAL(failed),	     TOTAL(unmaps),
	TOTAL(syncs),	       TOTAL(allocs),	     TOTAL(alloc_bytes),
	TOTAL(inherited),      TOTAL(out_bytes),     TOTAL(stale_bytes),
	TOTAL(sync_out_bytes), TOTAL(sync_in_bytes), TOTAL(excess_bytes),
	TOTAL(events),	       TOTAL(live),	     JEND,
};
#undef TOTAL

static const struct jrow state_row = { .type = JT_WORD,
				       .size = sizeof(enum claim_state),
				       .word = claim_state_word,
				       .max = CLAIM_STATES };

#define DEVICE struct device_verdict

static void check_device(const struct jval *object, void *what)
{
	struct jval claims = jval_object(object, "claims");
	struct device_verdict *d = what;

	for (int c = 0; c < CLAIMS; c++)
		if (!jval_has(&claims, claim_name(c)))
			d->claims[c] = CLAIM_NOT_JUDGED;
}

static const struct jrow device_rows[] = {
	JSTRING("name", DEVICE, name, .flags = JF_TEXT | JF_REQUIRED),
	JTEXT("driver", DEVICE, driver),
	JTEXT("what", DEVICE, what),
	JBOOL("trusted", DEVICE, trusted),
	JBOOL("aside", DEVICE, out_of_scope),
	JNAMED("claims", DEVICE, claims, claim_word, CLAIMS, &state_row, .flags = JF_REQUIRED),
	JTEXT("note", DEVICE, note),
	JOBJECT("totals", DEVICE, totals, verdict_device_totals, .flags = JF_REQUIRED),
	JWHOLE(.check = check_device),
};

/* As the device saw them: unlike physical memory they may end with the last address. */
static const struct jrow range_rows[] = {
	JHEX("start", struct range, start, UINT64_MAX, .flags = JF_REQUIRED),
	JHEX("end", struct range, end, UINT64_MAX, .flags = JF_REQUIRED),
	JWHOLE(.check = range_check),
};

static const struct jrow published_rows[] = {
	JINLINE(struct published_range, range, range_rows),
	JWORD("memory", struct published_range, memory, memory_word, MEMORY_STATES,
	      .flags = JF_REQUIRED),
	JCOUNT(struct published_range, count),
	JEND,
};

static const struct jrow witness_rows[] = {
	JINLINE(struct witness_range, range, range_rows),
	STATE(struct witness_range, state, rmm_word, RMM_MIXED + 1),
	JWORD("purpose", struct witness_range, purpose, purpose_word, WITNESS_PURPOSES,
	      .flags = JF_REQUIRED),
	JCOUNT(struct witness_range, published),
	JEND,
};

#define MONITOR(K, M) JNUMBER(K, V, monitor.M, UINT64_MAX)
/* The monitor's own log: null where none was given. */
static bool has_monitor(const void *what)
{
	const struct verdict *v = what;

	return v->monitor.used || v->monitor.unusable;
}

static const struct jrow monitor_rows[] = {
	JBOOL("used", V, monitor.used),
	JTEXT("unusable", V, monitor.unusable),
	MONITOR("agreed", agreed),
	MONITOR("refused", refused),
	MONITOR("unknown", unknown),
	MONITOR("cut_lines", cut_lines),
	JLIST("ranges", V, monitor.ranges, monitor.nranges, witness_rows, VERDICT_RANGES,
	      .flags = JF_REQUIRED),
	JWHOLE(.present = has_monitor),
};

#define TOTAL(M) JNUMBER(#M, V, totals.M, UINT64_MAX)
const struct jrow verdict_totals[] = {
	TOTAL(events),
	TOTAL(bounces),
	TOTAL(maps),
	TOTAL(failed_maps),
	TOTAL(unmaps),
	TOTAL(syncs),
	TOTAL(allocs),
	TOTAL(frees),
	TOTAL(pool_hiwater),
	TOTAL(first_ns),
	TOTAL(last_ns),
	TOTAL(shared_bit_pairs),
	TOTAL(read_ns),
	TOTAL(judge_ns),
	JHEX("shared_bit", V, totals.shared_bit, UINT64_MAX, .flags = JF_NULL),
	JBOOL("shared_bit_inferred", V, totals.shared_bit_inferred),
	JEND,
};

/* Series are strings: thousands of lines of one number each help nobody. */
static enum timeline_series series_of(const struct jrow *row)
{
	return (enum timeline_series)((row->offset - offsetof(LINE, series)) / row->size);
}

static void read_series(const struct jrow *row, const struct jval *object, void *what)
{
	enum timeline_series series = series_of(row);
	char *text = !jval_has(object, row->key) ? NULL : jval_string(object, row->key);
	struct timeline *t = what;
	int n = text ? timeline_series_parse(t, series, text) : 0;

	if (!jval_has(object, row->key))
		return; /* if it has to be there, the row says so */
	if (n < 0 || (series && n != (int)t->used))
		jval_fail_at(object, row->key, "expected a list of numbers as long as the others");
	t->used = n < 0 ? 0 : (size_t)n;
	free(text);
}

static void write_series(const struct jrow *row, struct jwriter *w, const void *what)
{
	char *text = timeline_series_format(what, series_of(row));

	jwrite_string(w, row->key, text);
	free(text);
}

static bool no_series(const struct jrow *row, const void *what)
{
	const struct timeline *t = what;

	for (size_t i = 0; i < t->used; i++) {
		if (t->series[series_of(row)][i])
			return false;
	}
	return true;
}

static const struct jown series_own = {
	.read = read_series,
	.write = write_series,
	.empty = no_series,
	.schema = "{\"type\": \"string\", \"pattern\": \"^([0-9]+( [0-9]+)*)?$\"}",
};

#define SERIES(K, S) JOWN(K, LINE, series[S], &series_own, .flags = JF_REQUIRED)
static const struct jrow timeline_rows[] = {
	JCOUNT(LINE, start_ns),
	JNUMBER("window_from_ns", LINE, window_from_ns, UINT64_MAX, .flags = JF_OMIT),
	JNUMBER("window_to_ns", LINE, window_to_ns, UINT64_MAX, .flags = JF_OMIT),
	JNUMBER("bucket_ns", LINE, bucket_ns, UINT64_MAX / TIMELINE_BUCKETS, .least = 1,
		.flags = JF_REQUIRED),
	JBOOL("pool_partial", LINE, pool_partial),
	SERIES("events", TIMELINE_EVENTS),
	SERIES("maps", TIMELINE_MAPS),
	SERIES("bounced", TIMELINE_BOUNCED),
	SERIES("out_bytes", TIMELINE_OUT_BYTES),
	SERIES("in_bytes", TIMELINE_IN_BYTES),
	SERIES("pool_slots", TIMELINE_POOL_SLOTS),
	JOWN("violations", LINE, series[TIMELINE_VIOLATIONS], &series_own, .flags = JF_OMIT),
	JEND,
};
_Static_assert(TIMELINE_SERIES == 7, "each series of a timeline has a row");

static const struct jrow foreign_rows[] = {
	JBOOL("condition", struct foreign_state, condition),
	JTEXT("name", struct foreign_state, name),
	JTEXT("state", struct foreign_state, state),
	JTEXT("reason", struct foreign_state, reason),
	JBOOL("required", struct foreign_state, required, .unknown = true),
	JEND,
};

static void check_verdict(const struct jval *object, void *what)
{
	const struct verdict *v = what;

	if (jval_has(object, "limit") && !v->nlimit)
		jval_fail_at(object, "limit", "names no device");
	if (!jval_has(object, "findings"))
		findings_from_examples(what);
	else if (!findings_are_sound(v))
		jval_fail_at(object, "findings", "they do not fit the counterexamples");
}

static const struct jrow verdict_rows[] = {
	JWORD("verdict", V, outcome, outcome_word, OUTCOME_PROVEN + 1, .flags = JF_REQUIRED),
	JWORD("scope", V, scope, scope_word, SCOPE_SINCE_BOOT + 1, .flags = JF_REQUIRED),
	JWORD("setting", V, setting, setting_word, SETTINGS, .flags = JF_REQUIRED),
	JNAME("guest", V, guest, .flags = JF_OMIT),
	JSTRINGS("limit", V, limit, nlimit, LIMIT_DEVICES, .flags = JF_NULL | JF_TEXT),
	JTEXT("reason", V, reason),
	JNAMED("claims", V, claims, claim_word, CLAIMS, &claim_row, .flags = JF_REQUIRED),
	JNAMED("conditions", V, conds, cond_word, CONDS, &cond_row, .flags = JF_REQUIRED),
	JLIST("not_known", V, foreign, nforeign, foreign_rows, VERDICT_FOREIGN, .flags = JF_OMIT),
	JLIST("findings", V, findings, nfindings, finding_rows, VERDICT_FINDINGS),
	JNUMBER("unlisted_findings", V, unlisted_findings, UINT64_MAX, .flags = JF_OMIT),
	JLIST("counterexamples", V, examples, nexamples, example_rows, CLAIMS *VERDICT_EXAMPLES,
	      .flags = JF_REQUIRED),
	JLIST("devices", V, devices, ndevices, device_rows, MAX_DEVICES, .flags = JF_REQUIRED),
	JLIST("ranges", V, ranges, nranges, published_rows, VERDICT_RANGES, .flags = JF_REQUIRED),
	JBOOL("ranges_complete", V, ranges_complete),
	JGROUP("monitor", monitor_rows),
	JSTRINGS("notes", V, notes, nnotes, MAX_NOTES, .flags = JF_REQUIRED | JF_TEXT),
	JGROUP("totals", verdict_totals, .flags = JF_REQUIRED),
	JPOINTER("cost", V, cost, cost_table),
	JPOINTER("timeline", V, timeline, timeline_rows),
	JWHOLE(.check = check_verdict),
};

static const struct jrow run_rows[] = {
	JTEXT("tool", struct run, tool),
	JTEXT("evidence", struct run, evidence),
	JTEXT("recorder", struct run, recorder),
	JROW(JT_STRINGS, "command", struct run, argv, .max = MAX_COMMAND,
	     .flags = JF_ENDED | JF_NULL | JF_TEXT),
	JNUMBER("exit_status", struct run, exit_status, 255, .unknown = UINT32_MAX),
	JNUMBER("signal", struct run, term_signal, 127, .flags = JF_NULL),
	JTEXT("policy", struct run, policy),
	JTEXT("facts", struct run, facts),
	JROW(JT_STRING, "facts_after", struct run, facts_after, .flags = JF_TEXT | JF_OMIT),
	JTEXT("rmm_log", struct run, rmm_log),
	JBOOL("window_only", struct run, window_only),
	JBOOL("limit_given", struct run, limit_given),
	JTEXT("started", struct run, started),
	JROW(JT_STRING, "ended", struct run, ended, .flags = JF_TEXT | JF_OMIT),
	JEND,
};

const struct jrow verdict_record_table[] = {
	JROW(JT_INLINE, NULL, RECORD, verdict, JSTRUCTS(RECORD, verdict, verdict_rows),
	     .flags = JF_POINTER),
	JOBJECT("run", RECORD, run, run_rows, JKNOWN(RECORD, has_run)),
	JWHOLE(.check = version_check),
};

struct verdict *verdict_new(void)
{
	return xcalloc(1, sizeof(struct verdict));
}

void verdict_free(struct verdict *v)
{
	jtable_delete(verdict_rows, v);
}

static struct verdict_record as_record(const struct verdict *v, const struct run *run)
{
	return (struct verdict_record){
		.verdict = (struct verdict *)v,
		.run = run ? *run : (struct run){ .tool = NULL },
		.has_run = run != NULL,
	};
}

void verdict_json_write(struct jwriter *w, const struct verdict *v, const struct run *run)
{
	const struct verdict_record record = as_record(v, run);

	jtable_write_members(verdict_record_table, w, VERDICT_SCHEMA, &record);
}

char *verdict_json_format(const struct verdict *v, const struct run *run)
{
	const struct verdict_record record = as_record(v, run);

	return jtable_format(verdict_record_table, VERDICT_SCHEMA, &record);
}

struct verdict_record *verdict_json_parse(const char *text, size_t len, const char *name,
					  struct err *err)
{
	struct jdoc *doc = jdoc_parse_large(text, len, name, err);

	return jtable_load(verdict_record_table, sizeof(struct verdict_record), doc,
			   VERDICT_SCHEMA);
}

void verdict_record_free(struct verdict_record *record)
{
	if (record)
		free(record->unknown);
	jtable_delete(verdict_record_table, record);
}
