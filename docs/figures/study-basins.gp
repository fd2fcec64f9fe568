# Fixed points that random starts reach.
set terminal svg size 820,300 font "sans-serif,12" background rgb "white"
set datafile separator ","
set grid lc rgb "#dddddd"
set border lw 0.8
set datafile columnheaders
set multiplot layout 1,2 margins 0.08,0.985,0.18,0.88 spacing 0.1
set xlabel "sample"; set xrange [-0.5:15.5]
set title "Different fixed points among 9 starts"
set ylabel "fixed points" offset 1; set yrange [0:5]
plot "basins.csv" using "sample":"sweep_fixed_points" with points pt 7 ps 0.7 lc rgb "#d55e00" title "Glorot", \
     "basins-half.csv" using "sample":"sweep_fixed_points" with points pt 6 ps 0.9 lc rgb "#0072b2" title "half of Glorot"
set title "Random starts that reach the usual fixed point"
set ylabel "fraction" offset 1; set yrange [-0.05:1.1]
set key bottom right
plot "basins.csv" using "sample":"sweep_usual" with points pt 7 ps 0.7 lc rgb "#d55e00" title "sweep", \
     "basins.csv" using "sample":"auto_usual" with points pt 6 ps 0.9 lc rgb "#000000" title "auto"
unset multiplot
