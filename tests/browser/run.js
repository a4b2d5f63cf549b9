/* The timeline of a run since boot in a browser; each value is looked at by html.bats. */
const svg = document.querySelector("svg.timeline");
const width = () => Number(svg.getAttribute("viewBox").split(" ")[2]);
const key = (k) => svg.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
const out = {};

out.first = width();
key("0");
out.whole = width();
key("r");
out.run = width();
out.shaded = svg.querySelector(".t-run").width.baseVal.value;
out.limit = svg.querySelectorAll(".t-limit").length;
key(".");
out.column = document.getElementById("column").textContent;
out.tip = !document.querySelector(".tip").hidden;

const claim = document.getElementById("claim-lifecycle").closest("details");
out.folded = !claim.open;
location.hash = "#claim-lifecycle";
setTimeout(() => {
	out.unfolded = claim.open;
	result(out);
}, 100);
