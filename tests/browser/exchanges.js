/* The report of a run with exchanges in a browser; each value is looked at by html.bats. */
const svg = document.querySelector("svg.timeline");
const view = () => svg.getAttribute("viewBox").split(" ").map(Number);
const bars = [...svg.querySelectorAll("rect.t-ex")].map((b) => [b.x.baseVal.value, b.x.baseVal.value + b.width.baseVal.value]);
const out = {};

document.querySelector("button[data-act=x]").click();
const [left, , width] = view();
out.zoomed = width < 1000 && bars.every(([a, b]) => a >= left && b <= left + width);
out.bars = bars.length;

/* dragging by a tenth of the drawing moves the view by a tenth of what is seen */
document.querySelector("button[data-act='0']").click();
document.querySelector("button[data-act='+']").click();
const box = svg.getBoundingClientRect();
const mouse = (type, x) => svg.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: box.left + x, clientY: box.top + 9, bubbles: true }));
svg.setPointerCapture = () => {};
mouse("pointermove", 0);
const before = view()[0];
mouse("pointerdown", box.width / 2);
mouse("pointermove", box.width * 0.6);
mouse("pointerup", box.width * 0.6);
mouse("pointermove", 0);
out.dragged = Math.round(before - view()[0]);

/* the second column that holds bytes sorts by them, not by their first digit */
const table = document.getElementById("exchanges-table");
const heads = [...table.tHead.rows[0].cells];
const sent = heads.findIndex((h) => h.textContent === "Out");
heads[sent].querySelector("button").click();
out.out = [...table.tBodies[0].rows].map((r) => r.cells[sent].textContent.match(/^[0-9,]+ bytes/)[0]);
heads[sent].querySelector("button").click();
out.reversed = [...table.tBodies[0].rows].map((r) => r.cells[sent].textContent.match(/^[0-9,]+ bytes/)[0]);
out.what = table.tBodies[0].textContent;
result(out);
