/* Private to postproc/: the list of plots, and what several of them use. */
#ifndef EQS_POSTPROC_PLOTS_H
#define EQS_POSTPROC_PLOTS_H

#include "postproc/plot.h"

enum { PLOT_LABEL_SIZE = 160 };

extern const eqs_plot eqs_plot_training, eqs_plot_relaxation, eqs_plot_states, eqs_plot_circuit,
    eqs_plot_gradient, eqs_plot_study, eqs_plot_spectrum, eqs_plot_certificate, eqs_plot_weights,
    eqs_plot_hardware, eqs_plot_group, eqs_plot_cosimulation;

/* Label of an axis: a short long_name or else the name, with the unit in brackets. */
void eqs_plot_label(const eqs_catalog_object *object, char label[PLOT_LABEL_SIZE]);

/* Panels of all numeric members of a group over its axis (plot_group.c); `signal` restricts to one member
 * (NULL: all, or those that the attribute `signal` names first). */
eqs_status eqs_plot_group_panels(const eqs_catalog *catalog, const char *group, const char *signal,
                                 eqs_figure *figure);

/* true when the group has something that eqs_plot_group_panels draws. */
bool eqs_plot_group_drawable(const eqs_catalog *catalog, const char *group);

/* Groups that hold a time axis and states: /relaxation/free/trajectory, /circuit/tran/trajectory, ... */
void eqs_plot_trajectories(const eqs_catalog *catalog, eqs_catalog_names *groups);

/* Axis label of a residual: max|P(dF/ds)| of a Hopfield network, else Kirchhoff's current law, with the
 * dataset's unit (files of before it had one: from the configuration). NULL: a Hopfield network's. */
void eqs_plot_residual_label(const eqs_catalog *catalog, const eqs_catalog_object *residual,
                             char label[PLOT_LABEL_SIZE]);

/* "free", "nudged, sample 2", "circuit": what a trajectory group is called in a legend. */
void eqs_plot_trajectory_label(const char *group, char label[PLOT_LABEL_SIZE]);

/* Sorted copy's value at fraction q of n values (n > 0); `work` holds n values and is overwritten. */
double eqs_plot_quantile(const double *value, size_t n, double q, double *work);

#endif
