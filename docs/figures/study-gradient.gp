# EqProp's estimates against the exact gradient.
set datafile columnheaders
set terminal svg size 1000,640 font "sans-serif,12" background rgb "white"
set datafile separator ","
set grid lc rgb "#dddddd"
set border lw 0.8
set multiplot layout 2,3 margins 0.06,0.985,0.09,0.94 spacing 0.07,0.14
set logscale xy; set format y "10^{%L}"
set xlabel "beta"; set ylabel "|estimate - exact| / |exact|" offset 1
set key bottom right font ",10"; set yrange [1e-8:10]
set title "Error over beta, smooth (tanh)"
plot "gradient-smooth-beta.csv" using "beta":"error_one_sided" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#d55e00" title "one-sided, +beta", \
     "" using "beta":"error_one_sided_negative" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#e69f00" title "one-sided, -beta", \
     "" using "beta":"error_centred" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "centred", \
     "" using "beta":"error_higher_order" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#009e73" title "higher order", \
     "" using "beta":"error_higher_order_single" with lines dt 2 lw 2 lc rgb "#009e73" title "single, 1e-6"
set title "Error over beta, hard sigmoid"; set yrange [1e-3:10]
plot "gradient-beta.csv" using "beta":"error_one_sided" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#d55e00" title "one-sided, +beta", \
     "" using "beta":"error_one_sided_negative" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#e69f00" title "one-sided, -beta", \
     "" using "beta":"error_centred" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "centred", \
     "" using "beta":"error_higher_order" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#009e73" title "higher order", \
     "" using "beta":"error_centred_single" with lines dt 2 lw 2 lc rgb "#0072b2" notitle, \
     "" using "beta":"error_higher_order_single" with lines dt 2 lw 2 lc rgb "#009e73" notitle
set yrange [0.05:2]
set title "Error over the tolerance (centred, 0.2)"
set xlabel "residual of the phases"; set format x "10^{%L}"
plot "gradient-tolerance.csv" using "tolerance":"error_double" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "double", \
     "" using "tolerance":"error_single" with linespoints lw 2 pt 6 ps 0.8 lc rgb "#d55e00" title "single"
set title "Norm by layer, truncated nudged phase"
set xlabel "Euler iterations (eps 0.5; N/eps = 4)"; set ylabel "|estimate| / |exact|" offset 1
set format x "%g"; set format y "%g"; set yrange [0.1:2]
plot "gradient-layers.csv" using "iterations":"all" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#000000" title "all", \
     "" using "iterations":"W_1" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "W_1", \
     "" using "iterations":"W_2" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#d55e00" title "W_2", \
     1 with lines dt 2 lc rgb "#888888" notitle
set title "Angle, truncated nudged phase"; set ylabel "cosine to the exact gradient" offset 1
unset logscale y; set yrange [0.7:1]
plot "gradient-iterations.csv" using "iterations":"cosine_centred" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "centred", \
     "" using "iterations":"cosine_one_sided" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#d55e00" title "one-sided"
unset logscale; set yrange [0:1]
set title "Error during training"
set xlabel "epoch"; set ylabel "|estimate - exact| / |exact|" offset 1
set key top right
plot "gradient-epoch.csv" using "epoch":"error_one_sided" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#d55e00" title "one-sided", \
     "" using "epoch":"error_centred" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#0072b2" title "centred", \
     "" using "epoch":"error_higher_order" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#009e73" title "higher order", \
     "" using "epoch":"error_truncated" with linespoints lw 2 pt 7 ps 0.4 lc rgb "#cc79a7" title "centred, N/eps iterations"
unset multiplot
