/* What the report does in a browser; each value is looked at by html.bats. */
const click = (el) => el.dispatchEvent(new MouseEvent("click", { bubbles: true }));
const column = (table, i) => [...table.tBodies[0].rows].map((r) => r.cells[i].textContent);
const table = document.getElementById("counterexamples");
const heads = [...table.tHead.rows[0].cells];
const event = heads.findIndex((h) => h.textContent.startsWith("Event"));
const numbers = () => column(table, event).map((t) => Number(t.replaceAll(",", "")));
const out = {};

out.sections = [...document.querySelectorAll("main h2")].map((h) => h.id);
out.links = [...document.querySelectorAll("nav a")].every((a) => document.querySelector(a.getAttribute("href")));

/* rows come in ascending order: up only means something after down */
const sort = () => click(heads[event].querySelector("button"));
sort();
out.ariaUp = heads[event].getAttribute("aria-sort");
sort();
out.descending = numbers().every((n, i, all) => !i || all[i - 1] >= n) && numbers().length > 3;
out.ariaDown = heads[event].getAttribute("aria-sort");
sort();
out.ascending = numbers().every((n, i, all) => !i || all[i - 1] <= n);
out.oneSorted = heads.filter((h) => h.hasAttribute("aria-sort")).length;

const filter = document.querySelector("input[data-filter=counterexamples]");
filter.value = "FROM_DEVICE";
filter.dispatchEvent(new Event("input", { bubbles: true }));
const shown = [...table.tBodies[0].rows].filter((r) => getComputedStyle(r).display !== "none");
out.filtered = shown.length > 0 && shown.length < table.tBodies[0].rows.length &&
	shown.every((r) => r.textContent.includes("FROM_DEVICE"));
out.told = filter.closest(".tools").querySelector("output").textContent;

const svg = document.querySelector("svg.timeline");
const width = () => Number(svg.getAttribute("viewBox").split(" ")[2]);
click(document.querySelector("button[data-act='+']"));
out.zoomed = width();
svg.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
out.zoomedByKey = width();
svg.dispatchEvent(new KeyboardEvent("keydown", { key: "0", bubbles: true }));
out.whole = width();
out.violations = svg.querySelectorAll(".t-bad").length;
out.axis = [...document.querySelectorAll(".axis span")].every((s) => /^\d+\.\d{6} s$/.test(s.textContent));

const background = () => getComputedStyle(document.body).backgroundColor;
const before = background();
click(document.getElementById("theme"));
out.themes = before !== background();
click(document.getElementById("theme"));
out.themeBack = before === background();

/* names and roles for those who do not see it */
out.unnamed = [...document.querySelectorAll("button, input, svg[role=img], [role=region]")].filter((el) =>
	!el.textContent.trim() && !el.getAttribute("aria-label") && !el.closest("label")).length;
out.headersWithoutScope = document.querySelectorAll("th:not([scope])").length;
out.language = document.documentElement.lang;
out.duplicateIds = [...document.querySelectorAll("[id]")].length -
	new Set([...document.querySelectorAll("[id]")].map((el) => el.id)).size;
out.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
out.requests = performance.getEntriesByType("resource").length;
out.loaded = Math.round(performance.now());
result(out);
