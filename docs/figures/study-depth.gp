# Why settling takes longer the deeper the network.
set datafile columnheaders
set terminal svg size 1000,640 font "sans-serif,12" background rgb "white"
set datafile separator ","
set grid lc rgb "#dddddd"
set border lw 0.8
set multiplot layout 2,3 margins 0.06,0.985,0.08,0.94 spacing 0.07,0.14
set logscale y; set xrange [0.7:6.3]; set xtics 1
set xlabel "hidden layers"
set key top left font ",10"
set title "Iterations to 1e-3, before training"
set yrange [5:5000]
set ylabel "iterations (median, deciles)" offset 1.5
plot "depth-gain_1-before.csv" using "depth":"its_50":"its_10":"its_90" with yerrorlines lw 2 pt 7 ps 0.4 lc rgb "#d55e00" title "Glorot", \
     "depth-gain_0.5-before.csv" using "depth":"its_50":"its_10":"its_90" with yerrorlines lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "half of Glorot"
set title "after one epoch"
plot "depth-gain_1-during.csv" using "depth":"its_50":"its_10":"its_90" with yerrorlines lw 2 pt 7 ps 0.4 lc rgb "#d55e00" notitle, \
     "depth-gain_0.5-during.csv" using "depth":"its_50":"its_10":"its_90" with yerrorlines lw 2 pt 7 ps 0.4 lc rgb "#0072b2" notitle
set title "after the last epoch"
plot "depth-gain_1-after.csv" using "depth":"its_50":"its_10":"its_90" with yerrorlines lw 2 pt 7 ps 0.4 lc rgb "#d55e00" notitle, \
     "depth-gain_0.5-after.csv" using "depth":"its_50":"its_10":"its_90" with yerrorlines lw 2 pt 7 ps 0.4 lc rgb "#0072b2" notitle
set yrange [*:*]
set title "Slowest time constant (median)"
set ylabel "unit times" offset 1.5
plot "depth-gain_1-before.csv" using "depth":"slow_50" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#d55e00" title "Glorot, before", \
     "depth-gain_1-after.csv" using "depth":"slow_50" with linespoints lw 2 dt 2 pt 7 ps 0.4 lc rgb "#d55e00" title "after", \
     "depth-gain_0.5-before.csv" using "depth":"slow_50" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "half, before", \
     "depth-gain_0.5-after.csv" using "depth":"slow_50" with linespoints lw 2 dt 2 pt 7 ps 0.4 lc rgb "#0072b2" title "after"
set key bottom right
set title "Half of Glorot, after training"
set ylabel "to a residual of 1e-3 (median)" offset 1.5
plot "depth-gain_0.5-after.csv" using "depth":"its_50" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "iterations", \
     "" using "depth":"time_1e-3" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#009e73" title "time along the ODE", \
     "" using "depth":"sweeps" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#000000" title "sweeps of auto", \
     "" using "depth":"nudged" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#cc79a7" title "nudged phase, to 1e-4"
set logscale x; set xrange [*:*]; set xtics auto; unset xtics; set xtics
set title "Slowest mode: predicted and measured"
set xlabel "predicted time from 1e-3 to 1e-5"; set ylabel "measured (unit times)" offset 1.5
plot "depth.csv" using "tail_predicted":"tail_measured" with points pt 7 ps 0.5 lc rgb "#0072b2" notitle, \
     x with lines dt 2 lc rgb "#888888" notitle
unset multiplot
