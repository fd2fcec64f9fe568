#include "base/run.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal, checkpoint_flag;

static double seconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double eqs_clock(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double eqs_cpu_clock(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void on_stop(int signal_number)
{
    if (stop_signal != 0)
        _exit(128 + signal_number);
    stop_signal = signal_number;
}

static void on_checkpoint(int signal_number)
{
    (void)signal_number;
    checkpoint_flag = 1;
}

void eqs_signals_install(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = on_checkpoint;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int eqs_stop_requested(void)
{
    return stop_signal;
}

void eqs_stop_request(int signal_number)
{
    stop_signal = signal_number;
}

int eqs_checkpoint_requested(void)
{
    int flag = checkpoint_flag;
    checkpoint_flag = 0;
    return flag;
}
