/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_RECORDED_H
#define CCAIO_TESTS_PROPERTY_RECORDED_H

/*
 * Judge each *.dat of a folder (or one file) with both judges, with the facts of
 * the .json or platform.json beside it and without, in both scopes.  Returns how
 * many verdicts differ, and prints them; -1 when a file cannot be read.
 */
int recorded_compare(const char *path, unsigned int *judged);

#endif
