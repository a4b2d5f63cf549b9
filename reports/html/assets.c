/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The style sheet and the script of the HTML report, put into the program as they are: two
 * files that a browser's tools and a reader can look at are better than two long strings.
 */
#include "reports/html/parts.h"

/* clang-format off */
#define EMBED(name, file)                               \
	__asm__(".section .rodata\n"                    \
		".global " #name "\n"                   \
		".type " #name ", %object\n"            \
		#name ":\n"                             \
		".incbin \"" file "\"\n"                \
		".byte 0\n"                             \
		".size " #name ", . - " #name "\n"      \
		".previous\n")
/* clang-format on */

EMBED(html_css, "reports/html/html.css");
EMBED(html_js, "reports/html/html.js");
