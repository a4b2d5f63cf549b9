/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fact that is missing decides nothing: each is taken out of recordings that are PROVEN, one at a
 * time. */
#include <fcntl.h>
#include <fnmatch.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "tests/unit/test.h"

/* Members that nothing in any of the recordings rests on, and why. */
static const char *const needless[] = {
	"kernel*",	     /* for the reader only */
	"realm.kind",	     /* it is said that it is a Realm, or that it is none */
	"realm.rsi_version", /* the same */
	"realm.ipa_bits",    /* not known in these anyway */
	"realm.shared_bit",  /* the same */
	"swiotlb.force",     /* what was bounced is seen */
	"swiotlb.dynamic",   /* all addresses are in the pool that is known */
	"swiotlb.used_*",    /* a second count of what the events tell */
	"virtio.?.bus",	     /* the parent is a listed PCI function */
	"pci.?.vendor",	     /* the driver tells that it is virtio */
	"pci.?.device",	     /* the same */
	"pci.?.iommu_group", /* all addresses are in the pool */
	"trace.lost",	     /* the file has the counters, too */
	"trace.lost.0",	     /* the same */
	NULL,
};

/* A recording, and what it does not need, either. */
struct recording {
	const char *name;
	const char *const *needless;
	char facts[64]; /* the file of those that are left */
	json_object *whole;
	unsigned int proven;
};

static bool is_one_of(const char *member, const char *const *patterns)
{
	for (; *patterns; patterns++)
		if (fnmatch(*patterns, member, 0) == 0)
			return true;
	return false;
}

/* The exit status of ccaio verify -q, which prints to nowhere. */
static int verify(const struct recording *r)
{
	char facts[96], trace[96];
	char *argv[] = { "verify", "-q", facts, trace, NULL };
	int null = open("/dev/null", O_WRONLY), out = dup(1), err = dup(2), status;

	snprintf(facts, sizeof(facts), "--platform=%s", r->facts);
	snprintf(trace, sizeof(trace), "tests/data/trace/%s.dat", r->name);
	fflush(stdout);
	dup2(null, 1);
	dup2(null, 2);
	status = cmd_verify.run(4, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(null);
	close(out);
	close(err);
	return status;
}

/* The facts have lost this member. */
static void judge(struct recording *r, const char *member)
{
	bool unneeded = is_one_of(member, needless) || is_one_of(member, r->needless);
	int status;

	if (json_object_to_file(r->facts, r->whole) < 0)
		status = -1;
	else
		status = verify(r);
	printf("# %s without %s: %d\n", r->name, member, status);
	r->proven += unneeded;
	if (unneeded)
		check(status == CMD_OK);
	else
		check(status == CMD_INCONCLUSIVE || status == CMD_TROUBLE);
}

static void each_of(struct recording *r, json_object *in, const char *path);

static void below(struct recording *r, json_object *value, const char *path)
{
	if (json_object_is_type(value, json_type_object) ||
	    json_object_is_type(value, json_type_array))
		each_of(r, value, path);
}

/* Take each member of an object, each entry of a list, out, and put it back where it was. */
static void each_of(struct recording *r, json_object *in, const char *path)
{
	bool list = json_object_is_type(in, json_type_array);
	size_t n = list ? json_object_array_length(in) : (size_t)json_object_object_length(in);
	char **keys = calloc(n + 1, sizeof(*keys));
	size_t k = 0;

	if (!list) {
		json_object_object_foreach(in, key, value)
		{
			(void)value;
			keys[k++] = strdup(key);
		}
	}
	for (size_t i = 0; i < n; i++) {
		char member[256], index[24];
		json_object *value, *rest;

		snprintf(index, sizeof(index), "%zu", i);
		snprintf(member, sizeof(member), "%s%s%s", path, *path ? "." : "",
			 list ? index : keys[i]);
		value = json_object_get(list ? json_object_array_get_idx(in, i)
					     : json_object_object_get(in, keys[i]));
		if (list) {
			json_object_array_del_idx(in, i, 1);
			judge(r, member);
			rest = json_object_new_array();
			while (json_object_array_length(in) > i) {
				json_object_array_add(
					rest, json_object_get(json_object_array_get_idx(in, i)));
				json_object_array_del_idx(in, i, 1);
			}
			json_object_array_add(in, json_object_get(value));
			for (size_t m = 0; m < json_object_array_length(rest); m++)
				json_object_array_add(
					in, json_object_get(json_object_array_get_idx(rest, m)));
			json_object_put(rest);
		} else {
			json_object_object_del(in, keys[i]);
			judge(r, member);
			json_object_object_add(in, keys[i], json_object_get(value));
		}
		below(r, value, member);
		json_object_put(value);
	}
	for (k = 0; k < n; k++)
		free(keys[k]);
	free(keys);
}

static void each_without(const char *name, const char *const *patterns)
{
	struct recording r = { .name = name, .needless = patterns };
	char whole[96];

	snprintf(whole, sizeof(whole), "tests/data/trace/%s.json", name);
	snprintf(r.facts, sizeof(r.facts), "/tmp/ccaio-test-lacking-%d.json", (int)getpid());
	r.whole = json_object_from_file(whole);
	check(r.whole && json_object_to_file(r.facts, r.whole) == 0 && verify(&r) == CMD_OK);
	if (r.whole)
		each_of(&r, r.whole, "");
	check(r.proven > 10);
	json_object_put(r.whole);
	unlink(r.facts);
}

int main(void)
{
	/* nothing lies outside of the pool; they have drivers; a bridge does no DMA */
	static const char *const rehearsal[] = { "ram",	  "ram.0",	  "pci.[1-4].class",
						 "pci.0", "pci.0.driver", NULL };
	static const char *const realm[] = { "pci.?.class", NULL }; /* they have drivers */

	each_without("linux-7.2-forced-since-boot", rehearsal);
	each_without("realm-7.2", realm);
	return done();
}
