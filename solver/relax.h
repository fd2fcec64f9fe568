/* Relaxation of one phase to its fixed point: one interface for every solver.
 *
 * A solver takes a phase (network, parameters, data, beta) and a starting state and moves the state to a
 * fixed point of the phase. Every sample ends with a certificate: its projected residual (models/field.h),
 * and the reason why it ended. */
#ifndef EQS_SOLVER_RELAX_H
#define EQS_SOLVER_RELAX_H

#include "models/field.h"

/* Why a sample's relaxation ended. */
#define EQS_RELAX_END_LIST(X)                                                                                \
    X(EQS_RELAX_RUNNING, "running", "has not ended")                                                         \
    X(EQS_RELAX_CONVERGED, "converged", "residual passed below the tolerance")                               \
    X(EQS_RELAX_TIME_LIMIT, "time-limit", "reached t_max before the tolerance")                              \
    X(EQS_RELAX_STEP_LIMIT, "step-limit", "used max_steps before the tolerance")                             \
    X(EQS_RELAX_FAILED, "failed", "the integrator or solver gave up")                                        \
    X(EQS_RELAX_STOPPED, "stopped", "a signal asked to stop")

typedef enum eqs_relax_end {
#define X(name, text, why) name,
    EQS_RELAX_END_LIST(X)
#undef X
        EQS_RELAX_END_COUNT
} eqs_relax_end;

const char *eqs_relax_end_name(eqs_relax_end end);

typedef enum eqs_linear_solver {
    EQS_LINEAR_AUTO,  /* dense up to 64 unknowns, else krylov */
    EQS_LINEAR_DENSE, /* analytic dense Jacobian, LU */
    EQS_LINEAR_KLU,   /* analytic sparse Jacobian, KLU */
    EQS_LINEAR_KRYLOV /* matrix-free GMRES, analytic Jacobian product */
} eqs_linear_solver;

typedef enum eqs_preconditioner {
    EQS_PRECONDITIONER_NONE,
    EQS_PRECONDITIONER_DIAGONAL,
    EQS_PRECONDITIONER_SCHUR /* cvode-bdf: solver/cvode_schur.h */
} eqs_preconditioner;

typedef enum eqs_record_mode { EQS_RECORD_NONE, EQS_RECORD_STEPS, EQS_RECORD_TIMES } eqs_record_mode;

/* Integrals along the trajectory of every sample, from its start to its end: value[b] = int rate(r, dr/dt)
 * dt, with r the activities of the free layers in turn and dr/dt their rates of change. */
typedef struct eqs_quadrature {
    size_t n; /* integrals per sample */
    void (*rate)(const void *user, const double *r, const double *drdt, double *rate);
    const void *user;  /* borrowed; used by several threads */
    double rtol, atol; /* of the integrals' own error control */
    double *value;     /* [batch x n] result; borrowed */
} eqs_quadrature;

/* What a relaxation is to do. Fields that belong to one family of solvers say so; a solver refuses a request
 * it cannot fulfil (recording, fixed iterations, a linear solver) instead of ignoring it. */
typedef struct eqs_relax_options {
    /* "cvode-bdf", "cvode-adams", "euler", "kinsol", "sweep", ...; "cvode" is cvode-bdf; default "auto" */
    const char *solver;
    double tolerance; /* on the projected residual; default 1e-6; 0 runs to t_max or max_steps */
    double t_max;     /* time limit of solvers that follow time, in units of the unit time; default 1e4;
                         INFINITY: none */
    double response_tolerance; /* auto, sweep, newton on nudged phases of resistive networks: solver/nodal.h;
                                  default 1e-6 */
    size_t max_steps;          /* steps, iterations or sweeps per sample; default 100000 */
    double step;       /* euler: the time step in units of the smallest tau, so epsilon of paper 001 Eq. 54
                          when all tau are 1; default 0.5; a single leak is stable below 2 */
    double rtol, atol; /* CVODE's local error control; defaults 1e-6 and 1e-9 */
    double max_step;   /* CVODE's longest step, in units of the largest tau; default 100; INFINITY: none, and
                          the step may run away near the equilibrium until the arithmetic overflows */
    eqs_linear_solver linear_solver;   /* cvode-bdf; default auto */
    eqs_preconditioner preconditioner; /* krylov only; default diagonal */
    bool settled_start;    /* the start is a fixed point of a nearby phase: see from_state in models/field.h;
                              default false */
    bool fixed_iterations; /* euler: run exactly max_steps iterations, whatever the residual and t_max: the
                              truncated phases of paper 001 sec. 5.1, which need no equilibrium to exist */
    const eqs_quadrature *quadrature; /* CVODE: integrals along the way, or NULL; borrowed */
    eqs_record_mode record;           /* solvers that follow time; the first point is the start */
    size_t n_record_times;
    const double *record_times; /* [n_record_times] ascending, >= 0; borrowed; mode TIMES. Times after the end
                                   of a sample are not recorded: tolerance 0 runs on to t_max */
} eqs_relax_options;

eqs_relax_options eqs_relax_options_default(void);

/* Work done, summed over the samples of a call. */
#define EQS_RELAX_STATISTICS_LIST(X)                                                                         \
    X(steps, "steps, iterations or sweeps")                                                                  \
    X(rhs_evaluations, "evaluations of f")                                                                   \
    X(residual_evaluations,                                                                                  \
      "evaluations of the residual alone (stop tests, records), each as dear as one of f")                   \
    X(jacobian_evaluations, "Jacobians (dense, sparse), set-ups of products and of preconditioners")         \
    X(jacobian_products, "Jacobian-vector products")                                                         \
    X(nonlinear_iterations, "Newton or fixed-point iterations")                                              \
    X(linear_iterations, "Krylov iterations")                                                                \
    X(error_test_failures, "steps rejected by the error test")                                               \
    X(convergence_failures, "nonlinear solves that did not converge")

typedef struct eqs_relax_statistics {
#define X(name, text) long name;
    EQS_RELAX_STATISTICS_LIST(X)
#undef X
} eqs_relax_statistics;

/* A trajectory of one sample: n points, arrays grow as needed and are owned by the result. */
typedef struct eqs_trajectory {
    size_t n, capacity;
    size_t n_state;   /* state values per point: the free layers in turn */
    double *time;     /* [n] */
    double *energy;   /* [n], NaN where the field has none */
    double *residual; /* [n] */
    double *state;    /* [n x n_state] */
} eqs_trajectory;

typedef struct eqs_relax_result {
    size_t batch;
    eqs_relax_end *end; /* [batch] */
    double *residual;   /* [batch] the certificate */
    double *time;   /* [batch] ODE time reached (iterations * step for euler; 0 for equilibrium solvers) */
    double *energy; /* [batch] F at the end */
    size_t *steps;  /* [batch] steps, iterations or sweeps of every sample */
    eqs_relax_statistics statistics;
    eqs_trajectory *trajectory; /* [batch] when recording, else NULL */
    double seconds;             /* wall-clock of the call */
    char solver[32];            /* which solver ran (what auto chose) */
    char failure[224];          /* why the first sample that FAILED did so; empty when none did */
} eqs_relax_result;

/* Relaxes `state` in place, a batch of phase->batch samples; state->s[0] receives phase->x when the input is
 * clamped. *result is overwritten (release with eqs_relax_result_clear; it is empty after an error).
 * EQS_OK even when samples did not converge: look at result->end. EQS_BAD_CONFIG when the solver is unknown
 * or cannot do this network (the message says which can), when an option is out of its range, or when a
 * quadratic leak meets a stiffness <= -1 (1 + beta <= 0: with the cost 1/2 |y - t|^2 of paper 001 Eq. 8 the
 * energy of that unit has no minimum, so there is no equilibrium to find). */
eqs_status eqs_relax_run(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                         eqs_state *state, eqs_relax_result *result);

void eqs_relax_result_clear(eqs_relax_result *result);

/* Number of samples that did not converge. */
size_t eqs_relax_unconverged(const eqs_relax_result *result);

/* What a solver can do beyond finding a fixed point. */
enum {
    EQS_SOLVER_RECORDS = 1,          /* can record trajectories: of time, or of its sweeps */
    EQS_SOLVER_FIXED_ITERATIONS = 2, /* can run a fixed number of iterations */
    EQS_SOLVER_LINEAR = 4,           /* lets options choose its linear solver */
    EQS_SOLVER_QUADRATURES = 8,      /* integrates along the trajectory */
    EQS_SOLVER_CLAMPS_OUTPUT = 16    /* can hold the outputs at their targets (beta_y infinite) */
};

/* One solver: its name, one line for listings, whether it can do a network (NULL: yes; else why not, ending
 * with what can), and run. `run` may rely on checked options, on result being zeroed and on state->s[0]
 * holding clamped data; it calls eqs_relax_result_init. Unsupported requests are refused before `run`. */
typedef struct eqs_solver {
    const char *name;
    const char *summary;
    const char *(*unsupported)(const eqs_energy *energy, const eqs_relax_options *options);
    eqs_status (*run)(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                      eqs_state *state, eqs_relax_result *result);
    unsigned can; /* sum of EQS_SOLVER_... */
} eqs_solver;

/* The i-th solver (NULL past the end); built-ins first, then registered ones. */
const eqs_solver *eqs_solver_get(size_t i);

/* Solver by name, or NULL. */
const eqs_solver *eqs_solver_find(const char *name);

/* Adds a solver of the user's; the pointer is borrowed for the life of the process. EQS_BAD_CONFIG when the
 * name is taken or the table (32) is full. */
eqs_status eqs_solver_register(const eqs_solver *solver);

/* For solvers: prepares *result (zeroed) for `batch` samples with trajectories when asked. */
eqs_status eqs_relax_result_init(const eqs_energy *energy, const eqs_relax_options *options, size_t batch,
                                 eqs_relax_result *result);

/* Settling time: after it all states of the trajectory stay within share * max |final state| of the final
 * ones, to the nearest point on the late side; NaN without points. Trust it down to the error of the final
 * state. */
double eqs_trajectory_settling(const eqs_trajectory *trajectory, double share);

/* Mean and largest settling time of a result's trajectories; NaN when it has none. */
void eqs_relax_settling(const eqs_relax_result *result, double share, double *mean, double *largest);

/* For solvers: appends a point to a trajectory. s holds the free layers of one sample, flat [n_state]. */
eqs_status eqs_trajectory_append(eqs_trajectory *trajectory, double time, double energy, double residual,
                                 const double *s);

#endif
