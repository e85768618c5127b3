# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# report.awk - Markdown from the figures of tests/bench/run.
#
# Reads settings.tsv (KEY, VALUE; or target, TARGET, VERSION, SETTINGS) and
# raw.tsv (ROUND, SCENARIO, TARGET, KEY, VALUE); out names the directory for the
# tables of the chart, crowd is the size of the crowd.
#
# A ratio is taken within a round, of two runs that were a few seconds apart;
# median, least and largest are those of the ratios.

BEGIN {
	FS = "\t"
	title["telld"] = "telld"
	title["shape"] = "shape limit"
	title["nats"] = "nats-server"
	title["redis"] = "redis-server"
	title["ngircd"] = "ngircd"
	crowd_name = "crowd-" crowd
	one_crowd = "onecore-" crowd
	figure("stream-16", "texts_per_s", "stream 1 → 1, 16 bytes", "M/s")
	figure("stream-64", "texts_per_s", "stream 1 → 1, 64 bytes", "M/s")
	figure("stream-512", "texts_per_s", "stream 1 → 1, 512 bytes", "M/s")
	figure("stream-4000", "texts_per_s", "stream 1 → 1, 4,000 bytes", "M/s")
	figure("pairs-8", "texts_per_s", "8 pairs", "M/s")
	figure("fan-100", "texts_per_s", "fan-out 1 → 100", "M/s")
	figure("fan-1000", "texts_per_s", "fan-out 1 → 1,000", "M/s")
	figure("logins-1000", "logins_per_s", "logins, 1,000 there", "k/s")
	figure(crowd_name, "logins_per_s", "logins, " comma(crowd) " there",
	    "k/s")
	latency("pingpong-0", "nobody else")
	latency("pingpong-2000", "2,000 idle")
	latency(crowd_name, comma(crowd) " idle")
	latency("onecore-0", "nobody else, on one core")
	latency(one_crowd, comma(crowd) " idle, on one core")
	figure(crowd_name, "memory_kib", "memory a client, all of it ↓", "KiB")
	figure(crowd_name, "dirty_mean_kib", "private dirty a session ↓",
	    "KiB")
}

function figure(scenario, key, label, unit)
{
	figures++
	fig_scenario[figures] = scenario
	fig_key[figures] = key
	fig_label[figures] = label
	fig_unit[figures] = unit
}

function latency(scenario, label)
{
	figure(scenario, "roundtrip_p50_us", "round trip p50, " label " ↓",
	    "µs")
	figure(scenario, "roundtrip_p99_us", "round trip p99, " label " ↓",
	    "µs")
}

function comma(n)
{
	return n < 1000 ? n : sprintf("%d,%03d", n / 1000, n % 1000)
}

FILENAME ~ /settings/ && $1 == "target" {
	target[++targets] = $2
	version[$2] = $3
	settings[$2] = $4
	next
}

FILENAME ~ /settings/ {
	described[++descriptions] = $1 ": " $2
	next
}

$4 == "failed" {
	failed[++failures] = title[$3] ", " $2 ", round " $1 ": " $5
	broken[$2, $3] = 1
	next
}

$4 == "none" {
	next
}

$4 == "by_names" {
	by_names[$3] = 1
	next
}

{
	value[$1, $2, $3, $4] = $5
	if ($1 > rounds)
		rounds = $1
}

# The n numbers of list[1..n] in order.
function sort(list, n,    i, j, v)
{
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j > 0 && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
}

# Leaves median, least, most of list[1..n].
function summarize(list, n)
{
	sort(list, n)
	median = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	least = list[1]
	most = list[n]
}

# Over the rounds; how many have a figure.
function absolute(scenario, t, key,    r, n, list)
{
	for (r = 1; r <= rounds; r++)
		if ((r, scenario, t, key) in value)
			list[++n] = value[r, scenario, t, key] + 0
	if (n > 0)
		summarize(list, n)
	return n + 0
}

# The first over the second, over the rounds that have both.
function ratio(s1, t1, s2, t2, key,    r, n, list, a, b)
{
	for (r = 1; r <= rounds; r++) {
		if (!((r, s1, t1, key) in value) || !((r, s2, t2, key) in value))
			continue
		a = value[r, s1, t1, key]
		b = value[r, s2, t2, key]
		if (b > 0)
			list[++n] = a / b
	}
	if (n > 0)
		summarize(list, n)
	return n + 0
}

function digits(x)
{
	return x < 10 ? sprintf("%.2f", x) : x < 100 ? sprintf("%.1f", x) : \
	    sprintf("%.0f", x)
}

function span(n)
{
	if (n == 0)
		return "–"
	return digits(median) (n > 1 ? " (" digits(least) "–" digits(most) ")" \
	    : "")
}

function scaled(unit)
{
	return unit == "M/s" ? 1e6 : unit == "k/s" ? 1e3 : 1
}

function cell_absolute(i, t,    n, by)
{
	if ((fig_scenario[i], t) in broken)
		return "failed"
	n = absolute(fig_scenario[i], t, fig_key[i])
	by = scaled(fig_unit[i])
	median /= by
	least /= by
	most /= by
	return span(n)
}

function any(i,    t)
{
	for (t = 1; t <= targets; t++)
		if (absolute(fig_scenario[i], target[t], fig_key[i]) ||
		    ((fig_scenario[i], target[t]) in broken))
			return 1
	return 0
}

function head(first,    t, line, rule)
{
	line = "| " first " |"
	rule = "| --- |"
	for (t = 1; t <= targets; t++) {
		if (target[t] == without)
			continue
		line = line " " prefix title[target[t]] " |"
		rule = rule " --- |"
	}
	print line
	print rule
}

function print_ratios(base,    i, t, line, n)
{
	print "## " title[base] " against the others\n"
	print title[base] "'s figure divided by the other's: median of the " \
	    "ratios within each round (least–largest).\nAbove 1, " \
	    title[base] " has more; in a row with ↓ less is better.\n"
	without = base
	prefix = "÷ "
	head("figure")
	for (i = 1; i <= figures; i++) {
		if (!any(i))
			continue
		line = "| " fig_label[i] " |"
		for (t = 1; t <= targets; t++) {
			if (target[t] == base)
				continue
			n = ratio(fig_scenario[i], base, fig_scenario[i], \
			    target[t], fig_key[i])
			line = line " " span(n) " |"
		}
		print line
	}
	without = prefix = ""
	print ""
}

function print_absolutes(    i, t, line)
{
	print "## Figures\n"
	print "Medians (least–largest). M/s: a million texts that arrived, a " \
	    "second, all readers together.\n"
	head("figure")
	for (i = 1; i <= figures; i++) {
		if (!any(i))
			continue
		line = "| " fig_label[i] ", " fig_unit[i] " |"
		for (t = 1; t <= targets; t++)
			line = line " " cell_absolute(i, target[t]) " |"
		print line
	}
	print ""
}

function flat_row(label, s1, s2, key,    t, line, all, n)
{
	line = "| " label " |"
	for (t = 1; t <= targets; t++) {
		n = ratio(s1, target[t], s2, target[t], key)
		all += n
		line = line " " span(n) " |"
	}
	if (all)
		print line
}

function print_flatness()
{
	print "## What others cost\n"
	print "Each target against itself, 1.00 being no cost.\n"
	head("ratio")
	flat_row("round trip p50, 2,000 idle ÷ nobody", "pingpong-2000",
	    "pingpong-0", "roundtrip_p50_us")
	flat_row("round trip p50, " comma(crowd) " idle ÷ nobody", crowd_name,
	    "pingpong-0", "roundtrip_p50_us")
	flat_row("the same, all on one core", one_crowd, "onecore-0",
	    "roundtrip_p50_us")
	flat_row("logins a second, " comma(crowd) " there ÷ 1,000 there",
	    crowd_name, "logins-1000", "logins_per_s")
	flat_row("texts a reader, 10 % of 200 readers stalled ÷ none stalled",
	    "stalled-200", "readers-200", "texts_a_reader_per_s")
	print ""
}

function print_settings(    i, t)
{
	print "## Settings\n"
	for (i = 1; i <= descriptions; i++)
		print "- " described[i]
	for (t = 1; t <= targets; t++)
		print "- " title[target[t]] ": " version[target[t]] ": " \
		    settings[target[t]]
	print "- all: texts of 64 bytes where no other size stands (256 with" \
	    " 200 readers); TCP over loopback, no TLS; one process plays all" \
	    " clients, checks every text, lets at most 256 KiB be under way" \
	    " to a reader, and logs in 8 at a time"
	for (t in by_names)
		print "- " title[t] " has no rooms: fan-out is by lists of names"
	print ""
}

# For chart.gp: a line for each figure, three columns for each target.
function chart_table(name, key_like, unit_divisor,    i, t, line, file, n)
{
	file = out "/" name ".dat"
	printf "" >file
	for (i = 1; i <= figures; i++) {
		if (fig_key[i] !~ key_like || !any(i))
			continue
		line = chart_label(fig_label[i])
		for (t = 1; t <= targets; t++) {
			n = absolute(fig_scenario[i], target[t], fig_key[i])
			line = line "\t" (n ? median / unit_divisor "\t" \
			    least / unit_divisor "\t" most / unit_divisor : \
			    "?\t?\t?")
		}
		print line >file
	}
	close(file)
}

# Two lines below the bars.
function chart_label(label)
{
	sub(/ ↓$/, "", label)
	sub(/^stream 1 → 1, /, "1 → 1\\n", label)
	sub(/^fan-out /, "fan-out\\n", label)
	sub(/^round trip p50, /, "", label)
	sub(/nobody else/, "alone", label)
	if (sub(/( idle)?, on one core$/, "\\none core", label))
		sub(/nobody else/, "alone", label)
	sub(/ idle$/, "\\nidle", label)
	sub(/^logins, /, "", label)
	sub(/ there$/, "\\nthere", label)
	sub(/^memory a client.*/, "", label)
	return label
}

END {
	if (targets == 0 || rounds == 0) {
		print "report.awk: nothing was measured" >"/dev/stderr"
		exit 1
	}
	print "# telld beside its peers\n"
	print rounds (rounds == 1 ? " round" : " rounds") (failures ? ", " failures " failures" : \
	    "; every text arrived, once and in order") ".\n"
	if (targets > 1)
		print_ratios("telld" in version ? "telld" : target[1])
	print_absolutes()
	print_flatness()
	print_settings()
	if (failures)
		print "## Failures\n"
	for (i = 1; i <= failures; i++)
		print "- " failed[i]
	chart_table("rate", "^texts_per_s$", 1e6)
	chart_table("latency", "^roundtrip_p50_us$", 1)
	chart_table("login", "^logins_per_s$", 1e3)
	chart_table("memory", "^memory_kib$", 1)
}
