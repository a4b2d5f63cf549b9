/* axe-core over the page with everything unfolded, in light and in dark; its findings by rule and place. */
for (const d of document.querySelectorAll("details"))
	d.open = true;
const findings = async (theme) => {
	document.documentElement.dataset.theme = theme;
	const found = await axe.run(document, { resultTypes: ["violations"] });
	return found.violations.map((v) => theme + ": " + v.id + ": " + v.nodes.map((n) => n.target.join(" ")).slice(0, 5).join(", "));
};
findings("light").then((light) => findings("dark").then((dark) => result({ findings: [...light, ...dark], version: axe.version })))
	.catch((error) => result({ findings: [String(error)] }));
