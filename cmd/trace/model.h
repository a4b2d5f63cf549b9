/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_TRACE_MODEL_H
#define CCAIO_CMD_TRACE_MODEL_H

struct trace_options;

/*
 * ccaio trace --model: the command's HTTP connection crosses the bounce path of
 * lib/bounce on its way to the real server, and what that tells is judged.  Needs
 * neither root nor a kernel with tracing.  Returns CMD_*.
 */
int trace_model(const struct trace_options *options);

#endif
