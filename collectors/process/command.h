/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_PROCESS_COMMAND_H
#define CCAIO_COLLECTORS_PROCESS_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/*
 * command - the traced program.
 *
 * It is forked early and waits before its exec, so that the window can be opened
 * around it; it stays in ccaio's process group, so that a terminal treats both
 * alike.  From command_new to command_free the signals that end or steer a program
 * are blocked in ccaio and passed on to it:  the first SIGINT, SIGTERM, SIGHUP or SIGQUIT is
 * forwarded (unless the terminal has sent it to both already), the second one
 * kills the program.  A program that waits in the kernel for a device may not even end then:
 * command_leave gives it up.
 */
struct command;

/*
 * Fork a child that is to become argv (NULL-terminated, searched in PATH), run as
 * user (NULL: the same).  NULL with err set when there is no such command or user.
 */
struct command *command_new(char *const argv[], const char *user, struct err *err);

/* Kills and reaps the child if it still runs.  Accepts NULL. */
void command_free(struct command *command);

pid_t command_pid(const struct command *command);

/*
 * Let the child run.  Returns 0 once it has become the program; -EINTR when a
 * signal has asked to end before; else why exec failed.
 */
int command_go(struct command *command, struct err *err);

/* Readable when command_handle has something to do. */
int command_fd(const struct command *command);

/* Handle pending signals.  Returns true once the program has ended. */
bool command_handle(struct command *command);

/* What waitpid(2) said; meaningful once command_handle returned true. */
int command_wait_status(const struct command *command);

/*
 * Its exit status as a shell tells it: 128 + number of the signal that killed it.  Of one that was
 * left: 137 where it had been killed, else 124 as of timeout(1).
 */
int command_exit_status(const struct command *command);

/* Was the program killed because two signals asked for its end? */
bool command_killed(const struct command *command);

/*
 * Leave the program where it is: command_free neither kills it nor waits for it.  From now on
 * it counts as ended; command_wait_status says nothing.
 */
void command_leave(struct command *command);
bool command_left(const struct command *command);

/* The signal that ended the run early, 0 if none did. */
int command_interrupted(const struct command *command);

#endif
