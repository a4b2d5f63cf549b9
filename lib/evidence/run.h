/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_RUN_H
#define CCAIO_LIB_EVIDENCE_RUN_H

#include <stdbool.h>

/*
 * run - what was run and judged, beside the verdict itself.
 *
 * Whoever fills it owns the strings; reports and lib/verdict/json.h only borrow them.
 */
struct run {
	const char *tool;	 /* "ccaio 0.1" */
	const char *evidence;	 /* path judged, or of the bundle written; NULL none */
	const char *recorder;	 /* who recorded; NULL unknown */
	char *const *argv;	 /* the traced command, NULL-terminated; NULL: verify only */
	int exit_status;	 /* of the command; -1 not run, or unknown */
	int term_signal;	 /* that ended the command; 0 none */
	const char *policy;	 /* name of the policy; NULL none */
	const char *facts;	 /* path of facts given beside a bare trace.dat; NULL none */
	const char *facts_after; /* of those of after the recording; NULL none */
	const char *rmm_log;	 /* path of the monitor's log; NULL none */
	bool window_only;	 /* --scope window was asked for */
	bool limit_given;	 /* devices were asked for in this call, not by the evidence */
	const char *digest;  /* of the evidence (manifest_digest), in hexadecimal; NULL unknown */
	bool as_recorded;    /* the recorded verdict is shown, and was not judged again */
	bool copy;	     /* this report lies in the bundle itself */
	const char *started; /* ISO 8601 times of the run, UTC; NULL unknown */
	const char *ended;
};

#endif
