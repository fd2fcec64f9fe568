# Eigenvalues at the fixed points; the slowest mode's prediction against what was measured.
set terminal svg size 1000,320 font "sans-serif,12" background rgb "white"
set datafile separator ","
set grid lc rgb "#dddddd"
set border lw 0.8
set multiplot layout 1,3 margins 0.06,0.985,0.17,0.89 spacing 0.08
set title "Eigenvalues of 64 fixed points"
set xlabel "eigenvalue (1/unit time)"; set ylabel "count" offset 1
set style fill solid 0.6 noborder
plot "spectrum-histogram.csv" using 1:2 skip 1 with boxes lc rgb "#0072b2" notitle

set title "Slowest mode against the measured fall"
set xlabel "slowest time constant"; set ylabel "decay of the residual, 1e-5 to 1e-7" offset 1
plot "spectrum.csv" using 1:3 skip 1 with points pt 7 ps 0.5 lc rgb "#0072b2" notitle, \
     x with lines dt 2 lc rgb "#888888" notitle

set title "Settling times: predicted and measured"
set xlabel "predicted (unit times)"; set ylabel "measured (unit times)" offset 1
set key top left
plot "spectrum.csv" using 5:4 skip 1 with points pt 7 ps 0.5 lc rgb "#0072b2" title "from 1e-3 to 1e-7", \
     "" using 7:6 skip 1 with points pt 6 ps 0.6 lc rgb "#d55e00" title "from the start to 1e-7", \
     x with lines dt 2 lc rgb "#888888" notitle
unset multiplot
