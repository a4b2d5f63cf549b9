/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/rows/rows-facts.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/guest-kind.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "lib/verdict/verdict.h"
#include "lib/verdict/version.h"
#include "reports/rows/input.h"
#include "reports/rows/rows.h"

static void add_fact(struct row_fact **list, size_t *n, const char *key, const char *label,
		     const char *value)
{
	*list = xrealloc(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = (struct row_fact){ key, label, value };
}

static void fact(struct rows *rows, const char *key, const char *label, const char *value)
{
	if (value && *value)
		add_fact(&rows->facts, &rows->nfacts, key, label, value);
}

/* Write a word that a shell reads as itself: quoted where that is needed. */
static void shell_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

static const char *command_line(struct rows *rows, char *const *argv)
{
	char *text;
	size_t len;
	FILE *f;

	if (!argv)
		return "";
	f = rows_open(&text, &len);
	for (int i = 0; argv[i]; i++) {
		if (i)
			fputc(' ', f);
		shell_word(f, argv[i]);
	}
	fclose(f);
	return rows_take(rows, text);
}

static const char *command_end(struct rows *rows, const struct run *run)
{
	const char *name;

	if (!run->argv)
		return "";
	if (run->term_signal) {
		name = sigabbrev_np(run->term_signal);
		return rows_str(rows, "ended by signal %d (%s)", run->term_signal,
				name ? name : "unknown");
	}
	if (run->exit_status < 0)
		return "had not ended when the recording did";
	return rows_str(rows, "%d", run->exit_status);
}

static const char *kernel(struct rows *rows, const struct platform *p)
{
	if (!p->kernel.release)
		return "";
	return rows_str(rows, "%s %s", p->kernel.release,
			p->kernel.machine ? p->kernel.machine : "");
}

static const char *realm(struct rows *rows, const struct platform *p)
{
	const char *more = "";

	const struct guest_kind *guest = guest_kind_of(p, NULL, 0);

	if (guest->class == GUEST_UNKNOWN)
		return "unknown";
	if (guest->class == GUEST_ORDINARY)
		return "no";
	if (p->realm.kind)
		more = rows_str(rows, ", %s", p->realm.kind);
	if (p->realm.rsi_version)
		more = rows_str(rows, "%s, RSI %s", more, p->realm.rsi_version);
	if (p->realm.ipa_bits)
		more = rows_str(rows, "%s, %u-bit IPA space", more, p->realm.ipa_bits);
	if (p->realm.tsm_provider)
		more = rows_str(rows, "%s, attestation by %s", more, p->realm.tsm_provider);
	return rows_str(rows, "yes%s", more);
}

/* A confidential guest, recognised or not, that is no Realm. */
static bool is_other_kind(const struct platform *p)
{
	const struct guest_kind *named = guest_kind_find(p->realm.kind);

	return p->realm.kind && named->class != GUEST_ORDINARY && named->class != GUEST_MODEL &&
	       strcmp(named->id, "arm-cca") != 0;
}

static const char *guest(struct rows *rows, const struct platform *p)
{
	char why[192];
	const struct guest_kind *kind = guest_kind_of(p, why, sizeof(why));

	if (kind->class != GUEST_CONFIDENTIAL)
		return rows_str(rows, "unknown: %s", why);
	if (p->realm.tsm_provider)
		return rows_str(rows, "%s, attestation by %s", kind->noun, p->realm.tsm_provider);
	return kind->noun;
}

static const char *pools(struct rows *rows, const struct platform *p)
{
	char *text;
	size_t len;
	FILE *f = rows_open(&text, &len);

	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		fprintf(f, "%s%s 0x%" PRIx64 "-0x%" PRIx64 "%s", i ? "; " : "",
			pool->name ? pool->name : "pool", pool->range.start, pool->range.end,
			pool->inferred ? " (inferred)" : "");
	}
	if (p->swiotlb.slots != PLATFORM_UNKNOWN)
		fprintf(f, "%s%s", p->swiotlb.npools ? "; " : "",
			rows_counted(rows, p->swiotlb.slots, "slot"));
	if (p->swiotlb.used_hiwater != PLATFORM_UNKNOWN)
		fprintf(f, ", at most %s used at once", rows_count(rows, p->swiotlb.used_hiwater));
	fclose(f);
	return rows_take(rows, text);
}

static void option(FILE *out, const char *name, const char *value)
{
	if (!value)
		return;
	fprintf(out, "%s ", name);
	shell_word(out, value);
	fputc(' ', out);
}

/* The command that judges the same evidence again. */
static const char *recheck(struct rows *rows, const struct report_input *in)
{
	const struct run *run = in->run;
	const struct verdict *v = in->verdict;
	char *text;
	size_t len;
	FILE *f;

	if (!run || !run->evidence)
		return "";
	f = rows_open(&text, &len);
	fputs("ccaio verify ", f);
	option(f, "--platform", run->facts);
	option(f, "--platform", run->facts_after);
	option(f, "--policy", run->policy);
	option(f, "--rmm-log", run->rmm_log);
	if (run->window_only)
		fputs("--scope=window ", f);
	if (run->limit_given && !v->nlimit)
		option(f, "-d", LIMIT_WHOLE);
	for (size_t i = 0; run->limit_given && i < v->nlimit; i++)
		option(f, "-d", v->limit[i]);
	shell_word(f, run->evidence);
	fclose(f);
	return rows_take(rows, text);
}

static const char *copy(struct rows *rows, const char *s)
{
	return s ? rows_str(rows, "%s", s) : "";
}

/* In every format, since every one shows the facts. */
static void limit_facts(struct rows *rows)
{
	if (!*rows->limit)
		return;
	fact(rows, "limit", "Verdict",
	     rows_str(rows, "LIMITED to %s; no other device is in it", rows->limit));
	for (size_t i = 0; i < rows->ndevices; i++) {
		const struct row_device *d = &rows->devices[i];

		if (d->out_of_scope && d->worst != CLAIM_HOLDS)
			fact(rows, "warning", "Warning",
			     rows_str(rows, "%s, not in the verdict: %s%s%s", d->name, d->findings,
				      *d->note ? "; " : "", d->note));
	}
}

/* "2 processes or threads of the program when the recording ended: nginx[124], …" */
static const char *alive(struct rows *rows, const struct exchanges *x)
{
	char *text;
	size_t len;
	FILE *f;

	if (!x || !x->program.alive_known || !x->program.nalive)
		return "";
	f = rows_open(&text, &len);
	fprintf(f, "%s of the program when the recording ended",
		x->program.nalive == 1 ? "1 process"
				       : rows_str(rows, "%s processes or threads",
						  rows_count(rows, x->program.nalive)));
	for (size_t i = 0; i < x->program.nalive_listed; i++)
		fprintf(f, "%s%s", i ? ", " : ": ", x->program.alive[i]);
	fprintf(f, "%s; what came after is not in this report",
		x->program.nalive > x->program.nalive_listed ? " …" : "");
	fclose(f);
	return rows_take(rows, text);
}

static const char *judged_by(struct rows *rows, const struct run *run)
{
	if (!run->as_recorded)
		return copy(rows, run->tool);
	return rows_str(rows, "%s when it was recorded; only rendered now, by ccaio " VERSION,
			run->tool ? run->tool : "an unknown program");
}

void rows_fill_facts(struct rows *rows, const struct report_input *in)
{
	const struct run *run = in->run;
	const struct platform *p = in->platform;

	rows->recheck = recheck(rows, in);
	limit_facts(rows);
	if (in->exchanges && in->exchanges->program.no_follow)
		fact(rows, "follow", "Traffic",
		     "of the program itself; what its child processes sent is not counted as its "
		     "own (--no-follow)");
	if (run) {
		fact(rows, "command", "Command", command_line(rows, run->argv));
		fact(rows, "command-end", "Exit status", command_end(rows, run));
	}
	fact(rows, "alive", "Still alive", alive(rows, in->exchanges));
	if (run) {
		fact(rows, "started", "Started", copy(rows, run->started));
		fact(rows, "ended", "Ended", copy(rows, run->ended));
	}
	if (p) {
		fact(rows, "kernel", "Kernel", kernel(rows, p));
		fact(rows, "boot-id", "Boot", copy(rows, p->kernel.boot_id));
		if (is_other_kind(p))
			fact(rows, "guest", "Guest", guest(rows, p));
		else
			fact(rows, "realm", "Realm", realm(rows, p));
		fact(rows, "pools", "Bounce pools", pools(rows, p));
	}
	if (run) {
		fact(rows, "evidence", "Evidence", copy(rows, run->evidence));
		fact(rows, "recorder", "Recorded by", copy(rows, run->recorder));
		fact(rows, "policy", "Policy", copy(rows, run->policy));
		fact(rows, "tool", "Judged by", judged_by(rows, run));
		if (run->digest)
			fact(rows, "digest", "Digest", rows_str(rows, "sha256 %s", run->digest));
	}
}

void rows_fill_totals(struct rows *rows, const struct verdict *v)
{
	const struct {
		const char *key, *label;
		uint64_t n;
	} counts[] = {
		{ "events", "Events", v->totals.events },
		{ "maps", "Maps", v->totals.maps },
		{ "bounces", "Bounces", v->totals.bounces },
		{ "failed-maps", "Failed maps", v->totals.failed_maps },
		{ "unmaps", "Unmaps", v->totals.unmaps },
		{ "syncs", "Syncs", v->totals.syncs },
		{ "allocs", "Allocations", v->totals.allocs },
		{ "frees", "Frees", v->totals.frees },
		{ "pool-hiwater", "Slots at once", v->totals.pool_hiwater },
	};
	const char *bit;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		add_fact(&rows->totals, &rows->ntotals, counts[i].key, counts[i].label,
			 rows_count(rows, counts[i].n));
	if (v->totals.last_ns)
		add_fact(&rows->totals, &rows->ntotals, "time", "Time covered",
			 rows_str(rows, "%s … %s", rows_time(rows, v->totals.first_ns),
				  rows_time(rows, v->totals.last_ns)));
	if (!v->totals.shared_bit)
		return;
	bit = rows_addr(rows, v->totals.shared_bit);
	if (v->totals.shared_bit_inferred)
		bit = rows_str(rows, "%s, inferred from %s", bit,
			       rows_counted(rows, v->totals.shared_bit_pairs, "pair"));
	add_fact(&rows->totals, &rows->ntotals, "shared-bit", "Shared bit", bit);
}

static void trust(struct rows *rows, const char *sentence)
{
	rows->trust = xrealloc(rows->trust, rows->ntrust + 1, sizeof(*rows->trust));
	rows->trust[rows->ntrust++] = sentence;
}

static const char *capital(struct rows *rows, const char *text)
{
	return rows_str(rows, "%c%s", toupper((unsigned char)text[0]), text + 1);
}

/* Who keeps the host out, and what the events cannot show. */
static void trust_platform(struct rows *rows, const struct verdict *v,
			   const struct guest_kind *guest)
{
	bool other = v->setting == SETTING_CONFIDENTIAL;

	trust(rows, rows_str(rows,
			     "%s and the hardware: they, not this report, keep the host out of "
			     "protected memory.",
			     other ? capital(rows, guest->monitor) : "The RMM"));
	if (guest->class != GUEST_CONFIDENTIAL)
		return;
	if (guest->untraced)
		trust(rows, rows_str(rows, "Memory that is shared without any DMA event: %s.",
				     guest->untraced));
	trust(rows, guest->enforces
			    ? "The kernel itself refuses virtio devices that bypass the DMA API "
			      "(feature bit 33)."
			    : "Only ccaio checked that no virtio device bypasses the DMA API "
			      "(feature bit 33): this kernel does not.");
	if (other)
		trust(rows,
		      rows_str(rows, "ccaio was tried with %s on %s.", guest->one, guest->seen));
}

static void trust_unknown(struct rows *rows, const struct platform *p)
{
	char why[192];

	guest_kind_of(p, why, sizeof(why));
	if (p && (p->realm.kind || p->realm.nsigns) && *why)
		trust(rows, rows_str(rows, "The kind of guest is not known: %s.", why));
	else
		trust(rows, "Nothing shows whether this machine is a Realm.");
}

static void add_version(struct rows *rows, const char *text)
{
	rows->versions = rows_str(rows, "%s%s%s", rows->versions ? rows->versions : "",
				  rows->versions ? "; " : "", text);
}

void rows_fill_trust(struct rows *rows, const struct report_input *in)
{
	const struct verdict *v = in->verdict;
	const struct guest_kind *guest =
		in->platform ? guest_kind_of(in->platform, NULL, 0) : verdict_guest(v);
	bool model = guest->class == GUEST_MODEL;

	if (model) {
		trust(rows, "The bounce path inside ccaio: it played the Realm, the driver and the "
			    "host.  No kernel, RMM or hardware had a part in it, and nothing is "
			    "said about any.");
	} else {
		trust(rows,
		      "The guest's kernel and its root user: they reported what is judged here.");
		trust_platform(rows, v, guest);
	}
	if (in->run && in->run->evidence)
		trust(rows, "Whoever kept the evidence: it is not signed, so whoever could write "
			    "to it could have made all of it.");
	if (in->run && in->run->copy && in->run->digest)
		trust(rows,
		      rows_str(
			      rows,
			      "This page is a copy that was put into the bundle, and shows nothing "
			      "by itself: '%s' judges the evidence again, and with -v shows "
			      "its digest, which was %s.",
			      rows->recheck, in->run->digest));
	if (v->setting == SETTING_REHEARSAL && !model)
		trust(rows,
		      "Rehearsal: this machine is not a Realm.  Bounce pools and coherent "
		      "allocations stand for shared memory, all other RAM for protected memory; "
		      "the host could in fact read all of it.");
	if (v->setting == SETTING_UNKNOWN)
		trust_unknown(rows, in->platform);
	for (size_t i = 0; i < v->ndevices; i++) {
		if (v->devices[i].trusted)
			trust(rows, rows_str(rows,
					     "%s: the %s accepted it (TDISP), so it may reach "
					     "protected memory; whoever checked its measurements "
					     "answers for that.",
					     v->devices[i].name, rows->guest));
	}
	if (v->totals.shared_bit && v->totals.shared_bit_inferred)
		trust(rows, rows_str(rows,
				     "The shared address bit %s was inferred from the stream, not "
				     "reported by the platform.",
				     rows_addr(rows, v->totals.shared_bit)));
	for (size_t i = 0; i < v->nforeign; i++) {
		char *sentence = version_sentence(&v->foreign[i]);

		rows_note(rows, rows_str(rows, "%s", sentence));
		add_version(rows, sentence);
		free(sentence);
	}
	for (size_t i = v->nnotes - v->nversion_notes; i < v->nnotes; i++)
		add_version(rows, v->notes[i]);
	for (size_t i = 0; i < v->nnotes; i++)
		rows_note(rows, rows_str(rows, "%s", v->notes[i] ? v->notes[i] : ""));
}
