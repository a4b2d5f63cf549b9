/* When the page could be read and used: after its last script, before what waits for the clock. */
const out = { rows: document.querySelectorAll("tr").length, interactive: performance.now() };
document.addEventListener("DOMContentLoaded", () => {
	out.interactive = performance.now();
	result(out);
});
