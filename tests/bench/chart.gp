# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: the telld authors
#
# The chart of the bench, from the tables that report.awk leaves in dir,
# of so many targets: gnuplot -e "dir='build/bench'; targets=5"

set terminal svg size 1000,760 font "sans,12" background "white"
set output dir."/bench.svg"
set datafile separator "\t"
set datafile missing "?"
set style data histograms
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.85 noborder
set boxwidth 0.9
set bars 0.4
set border 3
set tics nomirror scale 0.5
set grid ytics lc rgb "#dddddd"

# A table has a line of titles, then one for each figure that was measured;
# what has none is left out.
has(name) = int(system("wc -l <".dir."/".name.".dat")) > 1
array colour[5] = ["#0b6e4f", "#9aa0a6", "#1f77b4", "#d1495b", "#edae49"]

set multiplot title "telld beside its peers: medians, with least and largest"

set origin 0, 0.48
set size 1, 0.48
set title "texts that arrive, million a second (more is better)"
set logscale y
set key outside right top
if (has("rate")) plot for [t = 0:targets-1] dir."/rate.dat" \
    using 3*t+2:3*t+3:3*t+4:xtic(1) title columnheader(3*t+2) \
    lc rgb colour[t+1]

unset key
unset logscale
set yrange [0:*]
set size 0.42, 0.46
set origin 0, 0
set title "round trip, median, µs (less is better)"
if (has("latency")) plot for [t = 0:targets-1] dir."/latency.dat" \
    using 3*t+2:3*t+3:3*t+4:xtic(1) lc rgb colour[t+1]

set size 0.32, 0.46
set origin 0.42, 0
set title "logins, thousand a second"
if (has("login")) plot for [t = 0:targets-1] dir."/login.dat" \
    using 3*t+2:3*t+3:3*t+4:xtic(1) lc rgb colour[t+1]

set size 0.26, 0.46
set origin 0.74, 0
set title "memory a client, KiB"
if (has("memory")) plot for [t = 0:targets-1] dir."/memory.dat" \
    using 3*t+2:3*t+3:3*t+4:xtic(1) lc rgb colour[t+1]

unset multiplot
