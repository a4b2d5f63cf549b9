# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
load ../cli/helper

# in_browser PAGE SCRIPT: open the page in headless Chromium with the script at its end, which calls
# result(object); sets $output to that object as JSON, and $console to what the console said.  The page's
# clock runs ahead while nothing happens, unless a third argument says real.
in_browser() {
	local page=$1 script=$2 clock=--virtual-time-budget=5000 dir=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/browser
	mkdir -p "$dir"
	[ "${3:-}" != real ] || clock=--timeout=60000
	# the script runs as the last thing in the page; what it finds out goes into the page's title
	sed 's|</body></html>||' "$page" >"$dir/page.html"
	printf '<script>\nconst result = (r) => { document.title = "RESULT " + JSON.stringify(r); };\n%s\n</script></body></html>\n' \
		"$(cat "$script")" >>"$dir/page.html"
	# no network: whatever the page would ask for fails, and is told
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--user-data-dir="$dir/profile" --enable-logging=stderr --window-size=1280,900 \
		"$clock" --dump-dom "file://$dir/page.html" >"$dir/dom" 2>"$dir/log"
	console=$(grep -a 'CONSOLE' "$dir/log" || true)
	output=$(sed -n 's|.*<title>RESULT \(.*\)</title>.*|\1|p' "$dir/dom" | sed 's/&amp;/\&/g; s/&lt;/</g; s/&gt;/>/g')
	[ -n "$output" ] || {
		echo "no result; the log says:"
		tail -5 "$dir/log"
		return 1
	}
}
