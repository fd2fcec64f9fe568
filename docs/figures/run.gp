# Three panels: learning curve, certificate along the ODE, output voltages of ODE and circuit.
set terminal svg size 1000,320 font "sans-serif,12" background rgb "white"
set datafile separator ","
set multiplot layout 1,3 margins 0.06,0.985,0.17,0.89 spacing 0.075
set grid lc rgb "#dddddd"
set border lw 0.8

set title "784-500-10 on MNIST, trained by EqProp"
set xlabel "epoch"; set ylabel "error (%)" offset 1
set logscale y; set yrange [0.1:30]
plot "curve.csv" using 1:2 skip 1 with lines lw 2 lc rgb "#0072b2" title "training", \
     "" using 1:3 skip 1 with lines lw 2 lc rgb "#d55e00" title "validation", \
     "" using 1:4 skip 1 with lines lw 2 dt 2 lc rgb "#009e73" title "test"

set title "Certificate of the free phase (CVODE)"
set xlabel "time (unit times)"; set ylabel "max|P(dF/ds)|" offset 1
set format y "10^{%L}"; set yrange [1e-9:10]; set xrange [0:*]
plot "relax.csv" using 1:2 skip 1 with lines lw 2 lc rgb "#0072b2" notitle
unset logscale y; set format y "%g"

set title "Outputs: ODE (lines), ngspice (dots)"
set xlabel "time (unit times)"; set ylabel "state of output units" offset 1
set yrange [-0.05:1.05]; set xrange [0:12]
plot for [i=2:11] "ode.csv" using 1:i skip 1 with lines lw 1.5 lc rgb "#0072b2" notitle, \
     for [i=2:11] "tran.csv" using 1:i skip 1 with points pt 7 ps 0.35 lc rgb "#d55e00" notitle
unset multiplot
