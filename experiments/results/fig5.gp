# Training and validation error per epoch for 1, 2 and 3 hidden layers (paper 001, Fig. 5)
set terminal svg size 1000,330 font "sans-serif,12" background rgb "white"
set datafile separator ","
set multiplot layout 1,3 margins 0.06,0.985,0.17,0.89 spacing 0.07
set grid lc rgb "#dddddd"
set border lw 0.8
set xlabel "epoch"
set logscale y
set yrange [0.001:30]
set ytics ("0.001" 0.001, "0.01" 0.01, "0.1" 0.1, "1" 1, "10" 10)
# an error of 0 has no logarithm: it is drawn at the lower edge
edge(x) = x > 0.001 ? x : 0.001
array stage[3] = [25, 60, 120] # epochs of the first stage; the second goes on from there
do for [h=1:3] {
    set title sprintf("%d hidden layer%s of 500 units", h, h > 1 ? "s" : "")
    if (h == 1) { set ylabel "error (%)" offset 1 } else { unset ylabel }
    one = sprintf("hopfield-mnist-%dh.csv", h)
    two = sprintf("hopfield-mnist-%dh-finish.csv", h)
    set arrow 1 from stage[h], graph 0 to stage[h], graph 1 nohead lc rgb "#bbbbbb" dt 3
    plot one using 1:(edge(100*$2)) skip 1 with lines lw 2 lc rgb "#0072b2" title "training", \
         one using 1:(100*$3) skip 1 with lines lw 2 lc rgb "#d55e00" title "validation", \
         one using 1:(100*$4) skip 1 with lines lw 1.5 dt 2 lc rgb "#009e73" title "test", \
         two using ($1+stage[h]):(edge(100*$2)) skip 1 with lines lw 2 lc rgb "#0072b2" notitle, \
         two using ($1+stage[h]):(100*$3) skip 1 with lines lw 2 lc rgb "#d55e00" notitle, \
         two using ($1+stage[h]):(100*$4) skip 1 with lines lw 1.5 dt 2 lc rgb "#009e73" notitle
}
unset multiplot
