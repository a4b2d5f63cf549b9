"use strict";
(() => {
	/* theme: the system's choice until the reader makes another */
	const root = document.documentElement;
	root.classList.add("js");
	const theme = document.getElementById("theme");
	theme.addEventListener("click", () => {
		const dark = root.dataset.theme ? root.dataset.theme === "dark"
			: matchMedia("(prefers-color-scheme: dark)").matches;
		root.dataset.theme = dark ? "light" : "dark";
	});

	/* tables: a button in every header sorts, a search field filters */
	const key = (row, i) => {
		const cell = row.cells[i];
		return cell.dataset.k !== undefined ? BigInt(cell.dataset.k) : cell.textContent;
	};
	const compare = (a, b) => typeof a === "bigint" && typeof b === "bigint" ? (a > b) - (a < b)
		: String(a).localeCompare(String(b), "en", { numeric: true });
	for (const table of document.querySelectorAll("table.sortable")) {
		const body = table.tBodies[0];
		const heads = [...table.tHead.rows[0].cells];
		/* on a narrow screen each cell says which column it is */
		for (const row of body.rows)
			[...row.cells].forEach((cell, i) => { cell.dataset.label = heads[i].textContent; });
		heads.forEach((th, i) => {
			th.querySelector("button").addEventListener("click", () => {
				const up = th.getAttribute("aria-sort") !== "ascending";
				heads.forEach((h) => h.removeAttribute("aria-sort"));
				th.setAttribute("aria-sort", up ? "ascending" : "descending");
				const rows = [...body.rows].map((row) => [key(row, i), row]);
				rows.sort((a, b) => up ? compare(a[0], b[0]) : compare(b[0], a[0]));
				body.append(...rows.map((r) => r[1]));
			});
		});
	}
	for (const input of document.querySelectorAll("input[data-filter]")) {
		const body = document.getElementById(input.dataset.filter).tBodies[0];
		const status = input.closest(".tools").querySelector("output");
		input.addEventListener("input", () => {
			const wanted = input.value.toLowerCase();
			let shown = 0;
			for (const row of body.rows) {
				const hit = row.textContent.toLowerCase().includes(wanted);
				row.classList.toggle("hidden", !hit);
				shown += hit;
			}
			status.textContent = wanted ? shown + " of " + body.rows.length + " rows" : "";
		});
	}

	/* timeline: the view is a window [from, from + width) of 0 … 1000 */
	const svg = document.querySelector("svg.timeline");
	if (svg) {
		const start = BigInt(svg.dataset.start), span = BigInt(svg.dataset.span);
		const labels = document.querySelectorAll(".axis span");
		const run = svg.dataset.run.split(" ").map(Number);
		const plot = svg.parentElement, tip = plot.querySelector(".tip"), said = document.getElementById("column");
		let [from, width] = run;
		const [, top, , height] = svg.getAttribute("viewBox").split(" ");
		const seconds = (x) => {
			const ns = start + span * BigInt(Math.round(x * 1000)) / 1000000n;
			return ns / 1000000000n + "." + String(ns % 1000000000n).padStart(9, "0").slice(0, 6) + " s";
		};
		const show = () => {
			width = Math.min(1000, Math.max(0.05, width));
			from = Math.min(1000 - width, Math.max(0, from));
			svg.setAttribute("viewBox", [from, top, width, height].join(" "));
			labels.forEach((label, i) => {
				label.textContent = seconds(from + width * i / (labels.length - 1));
			});
		};
		/* the numbers of a column stand in the table below */
		const numbers = new Map([...document.querySelectorAll("#timeline-table tr[data-b]")].map((r) => [Number(r.dataset.b), r]));
		const names = ["", "events", "maps", "bounced", "bytes out", "bytes in", "slots in use", "violations"];
		const buckets = Number(span / BigInt(svg.dataset.bucket));
		const describe = (bucket) => {
			const row = numbers.get(bucket);
			const lines = row && [...row.cells].map((c, i) => i ? c.textContent + " " + names[i] : c.textContent)
				.filter((line) => !line.startsWith("0 "));
			return lines || [seconds(1000 * bucket / buckets), "no events"];
		};
		const bucketAt = (x) => Math.min(buckets - 1, Math.max(0, Math.floor(x / 1000 * buckets)));
		let column = -1;
		const step = (by) => {
			const inside = [...numbers.keys()].filter((b) => b >= bucketAt(from) && b <= bucketAt(from + width));
			const next = by > 0 ? inside.find((b) => b > column) : inside.reverse().find((b) => column < 0 || b < column);
			if (next === undefined)
				return;
			column = next;
			said.textContent = describe(column).join(", ");
			point((1000 * (column + .5) / buckets - from) / width);
		};
		const point = (part) => {
			const box = svg.getBoundingClientRect();
			tip.textContent = describe(bucketAt(from + width * part)).join("\n");
			tip.hidden = false;
			const x = part * box.width;
			tip.style.left = Math.max(0, Math.min(x + 12, box.width - tip.offsetWidth)) + "px";
			if (x + 12 + tip.offsetWidth > box.width)
				tip.style.left = Math.max(0, x - 12 - tip.offsetWidth) + "px";
		};
		const zoom = (factor, at) => {
			const x = from + width * at;
			width = Math.min(1000, Math.max(0.05, width * factor));
			from = x - width * at;
			show();
		};
		const acts = {
			"+": () => zoom(0.5, 0.5), "-": () => zoom(2, 0.5),
			"ArrowLeft": () => { from -= width / 4; show(); },
			"ArrowRight": () => { from += width / 4; show(); },
			"0": () => { from = 0; width = 1000; show(); },
			"r": () => { [from, width] = run; show(); },
			",": () => step(-1), ".": () => step(1),
			"x": () => {
				const bars = [...svg.querySelectorAll("rect.t-ex")];
				if (!bars.length)
					return;
				const left = Math.min(...bars.map((b) => b.x.baseVal.value));
				const right = Math.max(...bars.map((b) => b.x.baseVal.value + b.width.baseVal.value));
				width = (right - left) * 1.2;
				from = left - (right - left) * 0.1;
				show();
			},
		};
		for (const button of document.querySelectorAll("button[data-act]"))
			button.addEventListener("click", () => acts[button.dataset.act]());
		svg.addEventListener("keydown", (event) => {
			const act = acts[event.key === "=" ? "+" : event.key];
			if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
				act();
				event.preventDefault();
			}
		});
		svg.addEventListener("wheel", (event) => {
			if (!event.ctrlKey)
				return;
			const box = svg.getBoundingClientRect();
			zoom(event.deltaY < 0 ? 0.8 : 1.25, (event.clientX - box.left) / box.width);
			event.preventDefault();
		}, { passive: false });
		let held = null;
		svg.addEventListener("pointerdown", (event) => {
			if (event.button !== 0)
				return;
			held = { x: event.clientX, from };
			svg.setPointerCapture(event.pointerId);
		});
		svg.addEventListener("pointermove", (event) => {
			if (!held) {
				const box = svg.getBoundingClientRect();
				point((event.clientX - box.left) / box.width);
				return;
			}
			tip.hidden = true;
			from = held.from - (event.clientX - held.x) / svg.getBoundingClientRect().width * width;
			show();
		});
		for (const end of ["pointerup", "pointercancel"])
			svg.addEventListener(end, () => { held = null; });
		svg.addEventListener("pointerleave", () => { tip.hidden = true; });
		show();
	}

	/* the command to check again */
	const copy = document.getElementById("copy");
	if (copy)
		copy.addEventListener("click", async () => {
			try {
				await navigator.clipboard.writeText(document.getElementById("recheck").textContent);
				copy.textContent = "Copied";
			} catch {
				getSelection().selectAllChildren(document.getElementById("recheck"));
			}
		});

	/* a link leads into what is folded, and to the rows that it counts */
	const unfold = () => {
		for (let el = document.getElementById(decodeURIComponent(location.hash.slice(1))); el; el = el.parentElement) {
			if (el.tagName === "DETAILS")
				el.open = true;
		}
	};
	addEventListener("hashchange", unfold);
	unfold();
	for (const link of document.querySelectorAll("a[data-group]"))
		link.addEventListener("click", () => {
			document.getElementById("listed").open = true;
			for (const row of document.getElementById("counterexamples").tBodies[0].rows)
				row.classList.toggle("hidden", row.cells[0].dataset.k !== link.dataset.group);
		});

	/* paper cannot unfold anything */
	addEventListener("beforeprint", () => {
		for (const d of document.querySelectorAll("details:not([data-bulky])"))
			d.open = true;
	});
})();
