/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "tests/unit/test.h"

#define FULL "tests/data/platform/full.json"

static void test_full(void)
{
	struct err err = { "" };
	struct platform *p = platform_load(FULL, &err);

	check(p != NULL);
	if (!p)
		return;
	check(strcmp(p->kernel.release, "7.2.0-test") == 0);
	check(p->realm.is_realm == TRI_YES && p->realm.ipa_bits == 33);
	check(p->realm.shared_bit == UINT64_C(1) << 32);
	check(p->nram == 2 && p->ram[1].start == 0x880000000 && p->ram[1].end == 0x8ffffffff);
	check(p->swiotlb.npools == 2 && p->swiotlb.pools[0].range.end == 0x7a8fffff);
	check(!p->swiotlb.pools[0].inferred && p->swiotlb.pools[1].inferred);
	check(p->swiotlb.slots == 65536 && p->swiotlb.used_hiwater == 291);
	check(p->swiotlb.force == TRI_YES && p->swiotlb.dynamic == TRI_NO);
	check(p->virtio_listed && p->nvirtio == 3);
	check(platform_virtio_feature(&p->virtio[0], VIRTIO_F_ACCESS_PLATFORM) == TRI_YES);
	check(platform_virtio_feature(&p->virtio[1], VIRTIO_F_ACCESS_PLATFORM) == TRI_NO);
	check(platform_virtio_feature(&p->virtio[1], 100) == TRI_UNKNOWN);
	check(platform_virtio_feature(&p->virtio[2], 0) == TRI_UNKNOWN);
	check(platform_virtio_active(&p->virtio[0]) == TRI_YES);
	check(platform_virtio_active(&p->virtio[1]) == TRI_NO);
	check(p->virtio[2].status == PLATFORM_NO_STATUS);
	check(p->virtio[0].activity_after == 12 && p->virtio[1].activity_after == PLATFORM_UNKNOWN);
	check(platform_find_virtio(p, "0000:00:01.0") == &p->virtio[0]);
	check(platform_find_virtio(p, "0000:00:09.0") == NULL);
	check(p->pci_listed && p->npci == 2 && p->pci[1].bus_master == TRI_NO);
	check(platform_find_pci(p, "0000:00:05.0") == &p->pci[1]);
	check(strcmp(p->pci[1].iommu_type, "DMA") == 0 && !p->pci[0].iommu_type);
	check(strcmp(p->pci[1].tsm, "locked") == 0 && p->pci[0].tsm == NULL);
	check(p->nother == 1 && strcmp(p->other[0].driver, "ahci-platform") == 0);
	check(p->ndisks == 2 && strcmp(p->disks[0].number, "254:0") == 0);
	check(p->disks[0].counted && p->disks[0].before.read_sectors == 8);
	check(p->disks[0].after.discards == 2 && p->disks[0].after.in_flight == 5);
	check(p->disks[0].npartitions == 1 && strcmp(p->disks[0].partitions[0], "254:1") == 0);
	check(!p->disks[1].counted && p->disks[1].npartitions == 0);
	check(p->nnet == 3 && strcmp(p->net[0].virtio, "virtio0") == 0 && p->net[0].index == 2);
	check(p->net[0].counted && p->net[0].before.rx_errors == 4);
	check(p->net[0].before.interrupts == PLATFORM_UNKNOWN && p->net[0].after.interrupts == 19);
	check(p->net[0].after.tx_bytes == 16 && p->net[0].after.tx_dropped == 17);
	check(p->net[0].ncounters == 1 && p->net[0].counters[0].after == 15);
	check(p->net[1].looked && !p->net[1].counted && !p->net[2].looked);
	check(p->window.devices_changed == TRI_NO && p->window.cpus_changed == TRI_YES);
	check(p->window.tsm_changed == TRI_UNKNOWN);
	check(p->window.log_known && p->window.nkernel_log == 1);
	check(p->trace.lost_known && p->trace.nlost == 2 && p->trace.lost[1].commit_overrun == 8);
	check(p->trace.from_boot == TRI_YES && p->trace.nevents == 2 && p->trace.events_known);
	check(p->trace.naltered == 1 && p->trace.nfailed == 1 &&
	      p->trace.nonce == 0xfedcba9876543210);
	check(p->trace.ncanaries == 2 && p->trace.canaries[0].size == 4096);
	platform_free(p);
}

/* What was read and written again says the same. */
static void test_round_trip(void)
{
	struct err err = { "" };
	struct platform *p = platform_load(FULL, &err), *again;
	char *once, *twice = NULL;

	once = platform_format(p);
	again = platform_parse(once, strlen(once), "again", &err);
	check(again != NULL);
	if (again)
		twice = platform_format(again);
	check(twice && strcmp(once, twice) == 0);
	check(strstr(once, "\"0x72900000\"") && strstr(once, "\"activity_after\": 12"));
	platform_free(p);
	platform_free(again);
	free(once);
	free(twice);
}

static void test_unknown(void)
{
	static const char text[] =
		"{\"schema\":\"ccaio.platform/1\",\"realm\":{\"is_realm\":null}}";
	struct err err = { "" };
	struct platform *p = platform_parse(text, strlen(text), "x", &err);

	check(p != NULL);
	if (!p)
		return;
	check(p->realm.is_realm == TRI_UNKNOWN && p->realm.kind == NULL);
	check(p->swiotlb.slots == PLATFORM_UNKNOWN && p->swiotlb.used_after == PLATFORM_UNKNOWN);
	check(!p->virtio_listed && !p->pci_listed);
	check(!p->window.log_known && !p->trace.lost_known && !p->trace.events_known);
	check(p->trace.from_boot == TRI_UNKNOWN);
	platform_free(p);
}

/* Bytes from a kernel need not be text; written, they are. */
static void test_foreign_bytes(void)
{
	struct err err = { "" };
	struct platform *p = platform_new(), *again;
	char *text;

	p->kernel.cmdline = xstrdup("a\"b\\c\td\xff\xe2\x82\xac");
	text = platform_format(p);
	again = platform_parse(text, strlen(text), "x", &err);
	check(again != NULL);
	check(again && strcmp(again->kernel.cmdline, "a\"b\\c\td\xef\xbf\xbd\xe2\x82\xac") == 0);
	platform_free(p);
	platform_free(again);
	free(text);
}

/* Of a disk, what was counted before. */
#define DISK(before)                    \
	"{\"schema\":\"ccaio.platform/" \
	"1\",\"disks\":[{\"name\":\"a\",\"number\":\"1:0\",\"before\":" before "}]}"

#define FRAMES                                                                                     \
	"{\"rx_packets\":1,\"rx_bytes\":2,\"rx_dropped\":0,\"rx_errors\":0,\"tx_packets\":1,\"tx_" \
	"bytes\":2,\"tx_dropped\":0,\"tx_errors\":0}"

/* Of an interface, what was counted. */
#define NET(rest) \
	"{\"schema\":\"ccaio.platform/1\",\"net\":[{\"name\":\"a\",\"counted\":true," rest "}]}"

#define TRACE(members) "{\"schema\":\"ccaio.platform/1\",\"trace\":{" members "}}"

/* Facts that are refused, and what the one sentence says. */
static const struct {
	const char *text, *says;
} bad[] = {
	{ "", "empty" },
	{ "[]", "expected a JSON object" },
	{ "{", "ends too early" },
	{ "nonsense", "not JSON at byte" },
	{ "{}", "schema: missing" },
	{ "{'schema':\"ccaio.platform/1\"}", "single quotes" },
	{ "{\"schema\":7}", "schema: expected a string" },
	{ "{\"schema\":\"ccaio.platform/2\"}", "not 'ccaio.platform/2'" },
	{ "{\"schema\":\"ccaio.platform/1\"} x", "more text after" },
	{ "{\"schema\":\"ccaio.platform/1\",\"schema\":\"ccaio.platform/1\"}", "two members" },
	{ "{\"schema\":\"ccaio.platform/1\",\"x\":{\"a\":1,\"a\":2}}", "two members" },
	{ "{\"schema\":\"ccaio.platform/1\",\"x\":NaN}", "x: " },
	{ "{\"schema\":\"ccaio.platform/1\",\"x\":1e999}", "not finite" },
	{ "{\"schema\":\"ccaio.platform/1\",\"x\":\"\xff\"}", "not UTF-8" },
	{ "{\"schema\":\"ccaio.platform/1\",\"x\":\"a\nb\"}", "x:1: a string holds a control" },
	{ "{\"schema\":\"ccaio.platform/1\",\"kernel\":[]}", "kernel: expected an object" },
	{ "{\"schema\":\"ccaio.platform/1\",\"kernel\":{\"release\":1}}",
	  "x: kernel.release: expected a string" },
	{ "{\"schema\":\"ccaio.platform/1\",\"kernel\":{\"release\":\"a\\u0000b\"}}", "NUL" },
	{ "{\"schema\":\"ccaio.platform/1\",\"realm\":{\"is_realm\":\"no\"}}",
	  "realm.is_realm: expected true, false or null" },
	{ "{\"schema\":\"ccaio.platform/1\",\"realm\":{\"shared_bit\":\"0x3\"}}", "one bit" },
	{ "{\"schema\":\"ccaio.platform/1\",\"realm\":{\"shared_bit\":\"0x2\",\"ipa_bits\":33}}",
	  "contradicts ipa_bits" },
	{ "{\"schema\":\"ccaio.platform/1\",\"realm\":{\"ipa_bits\":65}}", "up to 64" },
	{ "{\"schema\":\"ccaio.platform/1\",\"ram\":{}}", "ram: expected an array" },
	{ "{\"schema\":\"ccaio.platform/1\",\"ram\":[1]}", "ram[0]: expected an object" },
	{ "{\"schema\":\"ccaio.platform/1\",\"ram\":[null]}", "ram[0]: expected an object" },
	{ "{\"schema\":\"ccaio.platform/1\",\"ram\":[{\"start\":\"0x1\"}]}",
	  "ram[0].end: missing" },
	{ "{\"schema\":\"ccaio.platform/1\",\"ram\":[{\"start\":\"0x2\",\"end\":\"0x1\"}]}",
	  "ram[0]: end is below start" },
	{ "{\"schema\":\"ccaio.platform/1\",\"ram\":[{\"start\":1,\"end\":2}]}",
	  "ram[0].start: expected a string such as" },
	{ "{\"schema\":\"ccaio.platform/1\",\"ram\":[{\"start\":\"0x\",\"end\":\"0x1\"}]}",
	  "ram[0].start: expected a string such as" },
	{ "{\"schema\":\"ccaio.platform/"
	  "1\",\"ram\":[{\"start\":\"0x1\",\"end\":\"0x1ffffffffffffffff\"}]}",
	  "ram[0].end: expected a string such as" },
	{ "{\"schema\":\"ccaio.platform/"
	  "1\",\"ram\":[{\"start\":\"0x1\",\"end\":\"0xffffffffffffffff\"}]}",
	  "ram[0].end: expected a number up to 0xfffffffffffffffe" },
	{ "{\"schema\":\"ccaio.platform/1\",\"swiotlb\":{\"slots\":-1}}",
	  "swiotlb.slots: expected a number that is not negative" },
	{ "{\"schema\":\"ccaio.platform/1\",\"swiotlb\":{\"slots\":1.5}}", "a whole number" },
	{ "{\"schema\":\"ccaio.platform/1\",\"swiotlb\":{\"slots\":18446744073709551615}}",
	  "swiotlb.slots: expected a number up to" },
	{ "{\"schema\":\"ccaio.platform/1\",\"swiotlb\":{\"slots\":18446744073709551616}}", "x: " },
	{ "{\"schema\":\"ccaio.platform/1\",\"swiotlb\":{\"slots\":\"65536\"}}", "a whole number" },
	{ "{\"schema\":\"ccaio.platform/"
	  "1\",\"swiotlb\":{\"pools\":[{\"start\":\"0x1\",\"end\":\"0x2\"}]}}",
	  "swiotlb.pools[0].name: missing" },
	{ "{\"schema\":\"ccaio.platform/1\",\"virtio\":[{\"name\":\"v\",\"features\":\"012\"}]}",
	  "virtio[0].features: expected" },
	{ "{\"schema\":\"ccaio.platform/1\",\"virtio\":[{\"name\":\"\"}]}",
	  "virtio[0].name: expected a name" },
	{ "{\"schema\":\"ccaio.platform/1\",\"virtio\":[{\"name\":\"a\\u001b[2J\"}]}",
	  "virtio[0].name: expected a name" },
	{ "{\"schema\":\"ccaio.platform/1\",\"virtio\":[{\"name\":\"v\",\"status\":15}]}",
	  "virtio[0].status: expected a string" },
	{ "{\"schema\":\"ccaio.platform/"
	  "1\",\"virtio\":[{\"name\":\"v\",\"device_id\":4294967296}]}",
	  "virtio[0].device_id: expected a number up to 4294967295" },
	{ "{\"schema\":\"ccaio.platform/1\",\"virtio\":[{\"name\":\"v\"},{\"name\":\"v\"}]}",
	  "virtio: 'v' is listed twice" },
	{ "{\"schema\":\"ccaio.platform/"
	  "1\",\"pci\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"a\"}]}",
	  "pci: 'a' is listed twice" },
	{ DISK("{\"reads\":-1}"), "disks[0].before.reads: expected a number that is not negative" },
	{ DISK("{\"reads\":1}"), "disks[0].before.read_sectors: missing" },
	{ DISK("{\"reads\":1,\"read_sectors\":18014398509481984}"),
	  "disks[0].before.read_sectors: expected a number up to" },
	{ DISK("{\"reads\":1,\"read_sectors\":1,\"writes\":1,\"written_sectors\":1,"
	       "\"discards\":1,\"discarded_sectors\":1,\"in_flight\":1048577}"),
	  "disks[0].before.in_flight: expected a number up to 1048576" },
	{ DISK("7"), "disks[0].before: expected an object" },
	{ "{\"schema\":\"ccaio.platform/1\",\"disks\":[{\"name\":\"a\",\"number\":\"1:0\"},"
	  "{\"name\":\"b\",\"number\":\"1:0\"}]}",
	  "disks: '1:0' is listed twice" },
	{ NET("\"before\":" FRAMES), "net[0].after: missing" },
	{ NET("\"before\":{\"rx_packets\":1}"), "net[0].before.rx_bytes: missing" },
	{ NET("\"before\":{\"rx_packets\":9223372036854775808}"),
	  "net[0].before.rx_packets: expected a number up to" },
	{ NET("\"index\":-1"), "net[0].index: expected a number that is not negative" },
	{ NET("\"before\":" FRAMES ",\"after\":" FRAMES ",\"counters\":[{\"name\":\"x\"}]"),
	  "net[0].counters[0].before: missing" },
	{ NET("\"before\":" FRAMES ",\"after\":" FRAMES
	      ",\"counters\":[{\"name\":\"x\",\"before\":1}]"),
	  "net[0].counters[0].after: missing" },
	{ NET("\"before\":" FRAMES ",\"after\":" FRAMES ",\"counters\":{}"),
	  "net[0].counters: expected an array" },
	{ "{\"schema\":\"ccaio.platform/1\",\"net\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
	  "net: 'a' is listed twice" },
	{ "{\"schema\":\"ccaio.platform/1\",\"window\":{\"kernel_log\":[\"a\",3]}}",
	  "window.kernel_log[1]: expected a string" },
	{ "{\"schema\":\"ccaio.platform/1\",\"window\":{\"kernel_log\":[null]}}",
	  "window.kernel_log[0]: expected a string" },
	{ "{\"schema\":\"ccaio.platform/"
	  "1\",\"trace\":{\"lost\":[{\"cpu\":0,\"overrun\":0,\"dropped\":0}]}}",
	  "trace.lost[0].commit_overrun: missing" },
	{ TRACE("\"spoilt\":\"dma:dma_map_phys\""), "trace.spoilt: expected an array" },
	{ TRACE("\"spoilt\":[null]"), "trace.spoilt[0]: expected a string" },
	{ TRACE("\"spoilt\":[\"dma:a\",\"dma\"]"), "trace.spoilt: 'dma' is no event" },
	{ TRACE("\"spoilt\":[\":a\"]"), "trace.spoilt: ':a' is no event" },
	{ TRACE("\"spoilt\":[\"dma:\"]"), "trace.spoilt: 'dma:' is no event" },
	{ TRACE("\"spoilt\":[\"dma:a\\u001b[2J\"]"), "is no event" },
	{ "{\"schema\":\"ccaio.platform/1\",\"trace\":{\"from_boot\":1}}",
	  "trace.from_boot: expected true" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { "" };
		struct platform *p = platform_parse(bad[i].text, strlen(bad[i].text), "x", &err);
		int refused = !p;
		int said = strncmp(err.text, "x:", 2) == 0 && strstr(err.text, bad[i].says);

		if (!refused || !said)
			printf("# %s\n# says: %s\n", bad[i].text, err.text);
		check(refused && said);
		platform_free(p);
	}
}

static void repeat(char *to, const char *piece, size_t count)
{
	size_t len = strlen(piece);

	for (size_t i = 0; i < count; i++)
		memcpy(to + i * len, piece, len);
	to[count * len] = '\0';
}

static void test_huge(void)
{
	struct err err = { "" };
	char *text = xcalloc(2 * 300000 + 1, 1);

	repeat(text, "[", 100000);
	check(!platform_parse(text, strlen(text), "x", &err));
	check(strstr(err.text, "nested deeper than 24 levels") != NULL);
	memcpy(text, "{\"x\":[", 6);
	repeat(text + 6, "0,", 250000);
	check(!platform_parse(text, strlen(text), "x", &err));
	check(strstr(err.text, "more than 200000 JSON values") != NULL);
	check(!platform_parse("{}\0{}", 5, "x", &err) && strstr(err.text, "NUL"));
	free(text);
	check(!platform_load("/nonexistent/facts", &err));
	check(strstr(err.text, "cannot read /nonexistent/facts: No such file") != NULL);
	check(!platform_load("/", &err) && strstr(err.text, "not a regular file"));
	check(!platform_load("/dev/zero", &err) && strstr(err.text, "not a regular file"));
}

static void test_ranges(void)
{
	struct range r = { 0x1000, 0x1fff }, top = { UINT64_MAX - 15, UINT64_MAX };

	check(range_contains(&r, 0x1000, 0x1000));
	check(!range_contains(&r, 0x1000, 0x1001));
	check(!range_contains(&r, 0xfff, 2));
	check(range_contains(&r, 0x1fff, 1) && !range_contains(&r, 0x2000, 1));
	check(range_contains(&r, 0x1fff, 0) && !range_contains(&r, 0x2000, 0));
	check(!range_contains(&r, 0x1800, UINT64_MAX));
	check(range_contains(&top, UINT64_MAX - 15, 16) && !range_contains(&top, UINT64_MAX, 2));
}

/* Is dma_map_phys on, or altered, as the facts' trace has it? */
static void altered(const char *text, bool on, bool is_altered)
{
	struct err err = { "" };
	struct platform *p = platform_parse(text, strlen(text), "x", &err), *again;
	char *written;

	check(p != NULL);
	if (!p)
		return;
	check(platform_event_on(p, "dma:dma_map_phys") == on);
	check(platform_event_altered(p, "dma:dma_map_phys") == is_altered);
	written = platform_format(p);
	again = platform_parse(written, strlen(written), "again", &err);
	check(again && platform_event_altered(again, "dma:dma_map_phys") == is_altered);
	check(again && again->trace.naltered == p->trace.naltered);
	free(written);
	platform_free(again);
	platform_free(p);
}

#define ON "\"events\":[\"dma:dma_map_phys\"]"
#define OTHERS "\"events\":[\"dma:dma_alloc\"]"
#define SENTENCE "\"failed\":[\"dma:dma_map_phys: was switched off or filtered in the window\"]"

/* An event that did not stay as it was armed was not on, whatever else the facts say of it. */
static void test_altered(void)
{
	struct platform *p = platform_new();

	check(!platform_event_altered(p, "dma:dma_map_phys"));
	check(!platform_event_altered(NULL, "dma:dma_map_phys"));
	platform_free(p);
	altered(TRACE(ON), true, false);
	altered(TRACE(ON ",\"spoilt\":[]"), true, false);
	altered(TRACE(ON ",\"spoilt\":[\"dma:dma_alloc\"]"), true, false);
	altered(TRACE(ON ",\"spoilt\":[\"dma:dma_map_phys\"]"), false, true);
	altered(TRACE(OTHERS ",\"spoilt\":[\"dma:dma_map_phys\"]"), false, true);
	altered(TRACE("\"spoilt\":[\"dma:dma_map_phys\"]"), false, true);
	/* as earlier recorders say it */
	altered(TRACE(OTHERS "," SENTENCE), false, true);
	altered(TRACE(ON "," SENTENCE), false, true);
	altered(TRACE(ON "," SENTENCE ",\"spoilt\":null"), false, true);
	altered(TRACE(SENTENCE), false, true);
	altered(TRACE(ON ",\"failed\":[\"dma:dma_map_phys: switched off\"]"), true, false);
	altered(TRACE(ON ",\"failed\":[\": was switched off or filtered in the window\"]"), true,
		false);
}

int main(void)
{
	test_altered();
	test_full();
	test_round_trip();
	test_unknown();
	test_foreign_bytes();
	test_bad();
	test_huge();
	test_ranges();
	return done();
}
