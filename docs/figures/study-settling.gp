# Settling to a residual: the ODE in unit times, paper 001's iteration and solvers in sweeps.
set terminal svg size 820,340 font "sans-serif,12" background rgb "white"
set datafile separator ","
set grid lc rgb "#dddddd"
set border lw 0.8
set multiplot layout 1,2 margins 0.08,0.985,0.17,0.89 spacing 0.1
set logscale x; set format x "10^{%L}"; set xrange [1e-8:0.2] reverse
set xlabel "residual max|P(dF/ds)|"
set key top left

set title "Free phase of 64 samples: deciles and median"
set ylabel "unit times, iterations" offset 1
plot "settling.csv" using 1:2:4 skip 1 with filledcurves fc rgb "#0072b2" fs transparent solid 0.2 notitle, \
     "" using 1:3 skip 1 with lines lw 2 lc rgb "#0072b2" title "time along the ODE", \
     "" using 1:5:7 skip 1 with filledcurves fc rgb "#d55e00" fs transparent solid 0.2 notitle, \
     "" using 1:6 skip 1 with lines lw 2 lc rgb "#d55e00" title "iterations of Eq. 54, eps = 0.5"

set title "Solvers, median"
set ylabel "sweeps" offset 1
plot "settling.csv" using 1:6 skip 1 with lines lw 2 lc rgb "#d55e00" title "euler", \
     "" using 1:9 skip 1 with lines lw 2 lc rgb "#56b4e9" title "sweep", \
     "" using 1:12 skip 1 with lines lw 2 lc rgb "#009e73" title "nesterov", \
     "" using 1:18 skip 1 with lines lw 2 lc rgb "#cc79a7" title "newton", \
     "" using 1:21 skip 1 with lines lw 2 lc rgb "#000000" title "auto"
unset multiplot
