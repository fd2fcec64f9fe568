/* libeqspice for other programs: networks, energies, relaxations, learning, netlists, result files, pictures.
 *
 * Everything public begins with eqs_; each header says shapes, units, ownership and errors. Functions that
 * can fail return an eqs_status, and eqs_error_message() gives the sentence. The library keeps no global
 * state but the error message of each thread and the tables of registered solvers, and neither prints nor
 * exits. */
#ifndef EQSPICE_H
#define EQSPICE_H

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "base/status.h"
#include "base/version.h"

#include "models/energy.h"
#include "models/field.h"
#include "models/network.h"
#include "models/state.h"

#include "solver/eqprop_gradient.h"
#include "solver/exact_gradient.h"
#include "solver/gradient_compare.h"
#include "solver/relax.h"

#include "netlists/behavioural.h"
#include "netlists/dialect.h"
#include "netlists/netlist.h"
#include "netlists/simulate.h"
#include "netlists/worker.h"

#include "learning/agreement.h"
#include "learning/gradcheck.h"
#include "learning/result_file.h"
#include "learning/run_file.h"
#include "learning/setup.h"
#include "learning/trainer.h"

#include "store/config.h"
#include "store/dataset.h"
#include "store/h5file.h"
#include "store/metrics.h"

#include "postproc/gnuplot.h"
#include "postproc/plot.h"

#endif
