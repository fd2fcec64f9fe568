# Learning rules on the same task.
set terminal svg size 1000,360 font "sans-serif,12" background rgb "white"
set datafile separator ","
set grid lc rgb "#dddddd"
set border lw 0.8
set multiplot layout 1,2 margins 0.06,0.985,0.15,0.9 spacing 0.09
set linetype 1 lc rgb "#d55e00"; set linetype 2 lc rgb "#e69f00"; set linetype 3 lc rgb "#0072b2"
set linetype 4 lc rgb "#009e73"; set linetype 5 lc rgb "#56b4e9"; set linetype 6 lc rgb "#cc79a7"
set linetype 7 lc rgb "#999999"; set linetype 8 lc rgb "#000000"; set linetype 9 lc rgb "#f0e442"
set key autotitle columnhead top right font ",10"
set xlabel "epoch"
set title "Training error"
set ylabel "fraction misclassified" offset 1
plot for [i=2:10] "rules-train_error.csv" using 1:i with lines lw 2 lt i-1
set title "Cost"
set ylabel "mean cost at the free fixed point" offset 1
plot for [i=2:10] "rules-cost.csv" using 1:i with lines lw 2 lt i-1 notitle
unset multiplot
