/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_PROGRAM_H
#define CCAIO_LIB_EXCHANGE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * program - the traced program: its processes, and what it sent outside captured connections.
 *
 * The first three members are recorded (who was traced, and how); the rest is what the
 * correlation finds in the events, and is made again by whoever judges.
 */

#define EXCHANGE_ROOTS 512
#define EXCHANGE_ALIVE 8

struct exchange_program {
	/* the processes that it began with; events show their children */
	int32_t roots[EXCHANGE_ROOTS];
	size_t nroots;
	bool launched;	/* it was started in the window: nothing before its exec is its own */
	bool no_follow; /* its children count for themselves */
	/*
	 * launched, and the events do not show it start: the number may be another's (PID
	 * namespace)
	 */
	bool start_unseen;
	/*
	 * Its processes and threads that had not ended when the recording did: "nginx[124]", the
	 * first EXCHANGE_ALIVE of them; owned.
	 */
	bool alive_known;
	uint64_t nalive;
	char **alive;
	size_t nalive_listed;
	/*
	 * By enum flow_dir: its calls on sockets that are neither TCP nor local to the machine's
	 * kernel, and their bytes.
	 */
	bool calls_known; /* the events show of such calls */
	uint64_t other_calls[2], other_call_bytes[2];
	/* the process that wrote the markers of the run, whose traffic only tests the recording; 0
	 */
	int32_t recorder;
	/* what it sent by TCP in calls on sockets that are no captured connection of its own */
	uint64_t unseen_bytes;
	/*
	 * What other processes than it and ccaio sent by sockets that are neither TCP nor local, as
	 * calls_known says; and the first of them.
	 */
	uint64_t others_bytes;
	int32_t others_pid;
	char others_comm[24]; /* "" unknown */
};

#endif
