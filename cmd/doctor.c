/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ccaio doctor - what this machine can prove, and what to change so that it can prove more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "cmd/common/options.h"
#include "collectors/facts/facts.h"
#include "collectors/kernel/btf.h"
#include "collectors/tracefs/boot-probes.h"
#include "collectors/tracefs/boot.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/diagnosis/diagnosis.h"
#include "lib/evidence/platform.h"
#include "reports/diagnosis.h"
#include "reports/wrap.h"

struct doctor {
	bool facts, json;
	const char *output;
	uint64_t width; /* 0: the terminal's */
};

static void put_text(FILE *out, const void *text)
{
	fputs(text, out);
}

static void put_diagnosis_text(FILE *out, const void *d)
{
	diagnosis_write_text(out, d, false);
}

static void put_diagnosis_wrapped(FILE *out, const void *d)
{
	diagnosis_write_text(out, d, true);
}

static void put_diagnosis_json(FILE *out, const void *d)
{
	diagnosis_write_json(out, d);
}

static int write_facts(const struct doctor *doctor, const struct platform *p, struct err *err)
{
	char *text = platform_format(p);
	int ret;

	if (!text)
		return err_set(err, ENOMEM, "out of memory");
	ret = cmd_write(doctor->output, "the facts", put_text, text, err);
	free(text);
	return ret;
}

/* Does a file of the tracing directory hold the word? */
static bool tracing_says(const struct tracing *tracing, const char *path, const char *word)
{
	char *text = tracing_read(tracing->files, path);
	bool yes = text && strstr(text, word);

	free(text);
	return yes;
}

static bool is_read_only(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 && (st.f_flag & ST_RDONLY);
}

/* Does a file of the machine hold just a 0? */
static bool is_off(const char *path)
{
	const char *root = getenv("CCAIO_ROOT");
	char *name = xasprintf("%s%s", root ? root : "", path);
	char *text = file_read(name, 16, NULL, NULL);
	bool off = text && text[0] == '0' && (text[1] == '\0' || text[1] == '\n');

	free(text);
	free(name);
	return off;
}

static bool is_there(const char *path)
{
	const char *root = getenv("CCAIO_ROOT");
	char *name = xasprintf("%s%s", root ? root : "", path);
	bool there = access(name, R_OK) == 0;

	free(name);
	return there;
}

/* reasons: to be freed. */
static void look_at_tracing(const struct tracing *tracing, struct diag_tracing *t, char **reason,
			    char **probes_reason)
{
	t->path = tracing->path;
	t->map_event = tracing_exists(tracing->files, "events/dma/dma_map_phys") ||
		       tracing_exists(tracing->files, "events/dma/dma_map_page");
	t->swiotlb_event = tracing_exists(tracing->files, "events/swiotlb/swiotlb_bounced");
	t->kprobes = tracing_exists(tracing->files, "kprobe_events");
	t->kprobes_off = is_off("/sys/kernel/debug/kprobes/enabled");
	t->ftrace_off = is_off("/proc/sys/kernel/ftrace_enabled");
	t->read_only = is_read_only(tracing->path);
	/* README is the kernel's own list of what it takes */
	t->fprobes = tracing_says(tracing, "README", "f[:[<group>/]");
	t->meter = is_there(BTF_KERNEL);
	t->from_boot = boot_find(reason);
	t->boot_reason = *reason;
	t->boot_probes = boot_probes_find(tracing, NULL, probes_reason);
	t->probes_reason = *probes_reason;
	t->cpus = getenv("CCAIO_ROOT") ? 0 : (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
	t->barred_cpus = getenv("CCAIO_ROOT") ? 0 : instance_barred_cpus();
}

static int diagnose(const struct doctor *doctor, struct facts *facts, struct platform *p,
		    struct err *err)
{
	const char *root = getenv("CCAIO_ROOT");
	struct diag_tracing t = { 0 };
	struct tracing tracing;
	struct diagnosis *d;
	char *reason = NULL, *probes_reason = NULL, btf[4096];
	struct err why = { "" };
	int ret;

	if (tracing_open(&tracing, &why) < 0)
		t.trouble = why.text;
	else
		look_at_tracing(&tracing, &t, &reason, &probes_reason);
	snprintf(btf, sizeof(btf), "%s/sys/kernel/btf/vmlinux", root ? root : "");
	t.btf = access(btf, R_OK) == 0;
	p->start = facts_snapshot(facts);
	/* an empty window tells whether the log can be followed */
	facts_before(facts, p);
	facts_after(facts, p);
	d = diagnosis_make(p, &t, p->window.log_known);
	cmd_fit_terminal(doctor->width, doctor->output);
	ret = cmd_write(doctor->output, "the diagnosis",
			doctor->json					   ? put_diagnosis_json
			: doctor->width || cmd_on_terminal(doctor->output) ? put_diagnosis_wrapped
									   : put_diagnosis_text,
			d, err);
	if (ret == 0)
		ret = diagnosis_can_prove(d, false) ? CMD_OK : CMD_INCONCLUSIVE;
	diagnosis_free(d);
	free(reason);
	free(probes_reason);
	tracing_release(&tracing);
	return ret;
}

static int doctor_run(const struct doctor *doctor)
{
	struct facts *facts = facts_new(NULL);
	struct platform *p = facts_collect(facts);
	int status, ret;
	struct err err = { "" };

	if (doctor->facts && !getenv("CCAIO_ROOT")) /* a folder has no moment */
		facts_moment(facts, p);
	if (doctor->facts)
		ret = write_facts(doctor, p, &err);
	else
		ret = diagnose(doctor, facts, p, &err);
	status = ret < 0 ? cmd_fail(&cmd_doctor, &err) : ret;
	platform_free(p);
	facts_free(facts);
	return status;
}

static const struct opt options[] = {
	{ 'f', "format", "text|json", "of the diagnosis (default: text)",
	  OPT_EITHER(struct doctor, json) },
	{ 0, "facts", NULL, "write the machine's facts (platform.json) instead",
	  OPT_SET(struct doctor, facts) },
	{ 'o', "output", "FILE", "write to FILE instead of standard output",
	  OPT_TEXT(struct doctor, output) },
	{ 0, "width", "COLUMNS",
	  "columns of the text (default: COLUMNS, else the terminal's, else 80; whole lines "
	  "elsewhere)",
	  OPT_NUMBER(struct doctor, width, WRAP_LEAST, WRAP_MOST) },
	{ 0 },
};

static const struct usage usage = {
	.synopsis = "[options]",
	.about = "Say what this machine can prove, and what to change so that it can prove more.",
	.after = "Exit status: 0 a run here can be PROVEN, 2 less can be shown, "
		 "3 trouble.",
	.groups = { { options, 0 } },
};

static int doctor(int argc, char **argv)
{
	struct doctor d = { 0 };
	int first = cmd_options(&cmd_doctor, &d, argc, argv);

	if (first <= 0)
		return first ? CMD_TROUBLE : CMD_OK;
	if (first < argc)
		return cmd_usage(&cmd_doctor, "expected no argument, not '%s'", argv[first]);
	return doctor_run(&d);
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.summary = "say what this machine can prove, and what to change",
	.usage = &usage,
	.run = doctor,
};
