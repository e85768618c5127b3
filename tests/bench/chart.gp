# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# The chart of the bench, from the tables that report.awk leaves in dir:
#
#	gnuplot -e "dir='build/bench'; targets='telld nats'" chart.gp
#
# A line of a table is a label, and for each target median, least and largest.
# Bars are placed by hand, since gnuplot's own histograms lose their error bars
# in all but the first of several plots; the bars' spans are plain lines.

set terminal svg size 1000,800 font "sans,12" background "white"
set output dir."/bench.svg"
set datafile separator "\t"
set datafile missing "?"
set style fill solid 0.85 noborder
set boxwidth 0.95
set border 3
set tics nomirror scale 0.5
set grid ytics lc rgb "#dddddd"
set lmargin 8
set bmargin 3.5

n = words(targets)
colour(t) = t eq "telld" ? 0x0b6e4f : t eq "shape" ? 0x9aa0a6 : \
    t eq "nats" ? 0x1f77b4 : t eq "redis" ? 0xd1495b : 0xedae49
title(t) = t eq "shape" ? "shape limit" : \
    t eq "nats" || t eq "redis" ? t."-server" : t
x(group, i) = group * (n + 1.5) + i
has(name) = int(system("wc -l <".dir."/".name.".dat")) > 0

# One panel: bars, their least and largest, and the labels below.
panel = 'if (has(name)) plot for [i = 1:n] dir."/".name.".dat" \
    using (x($0, i)):(column(3*i-1)) with boxes lc rgb colour(word(targets, i)) \
    title title(word(targets, i)), \
    for [i = 1:n] dir."/".name.".dat" \
    using (x($0, i)):(column(3*i)):(0):(column(3*i+1)-column(3*i)) \
    with vectors nohead lw 1.5 lc rgb 0x333333 notitle, \
    dir."/".name.".dat" using (x($0, (n+1)/2.)):(NaN):xtic(1) notitle'

set multiplot title "telld beside its peers: medians, with least and largest"

set origin 0, 0.5
set size 1, 0.46
set title "texts that arrive, million a second (more is better)"
set logscale y
set key outside right top
name = "rate"
eval panel

unset key
set size 0.46, 0.46
set origin 0, 0.01
set title "round trip, median, µs (less is better)"
name = "latency"
eval panel

unset logscale
set yrange [0:*]
set size 0.3, 0.46
set origin 0.46, 0.01
set title "logins, thousand a second"
name = "login"
eval panel

set size 0.24, 0.46
set origin 0.76, 0.01
set title "memory a client, KiB"
name = "memory"
eval panel

unset multiplot
