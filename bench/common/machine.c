#include "bench/common/machine.h"

#include "base/memory.h"
#include "base/run.h"
#include "base/version.h"
#include "models/dense.h"
#include "solver/kernel.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The processor's name as Linux tells it, or "unknown processor". */
static void processor_name(char *name, size_t size)
{
    snprintf(name, size, "unknown processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (file != NULL)
        fclose(file);
}

void bench_print_machine(FILE *file, int argc, char **argv)
{
    char name[128], date[32] = "unknown date";
    double load[1] = {NAN};
    time_t now = time(NULL);
    struct tm utc;
    processor_name(name, sizeof name);
    if (gmtime_r(&now, &utc) != NULL)
        strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    if (getloadavg(load, 1) != 1)
        load[0] = NAN;
    const char *slash = strrchr(argv[0], '/');
    fprintf(file, "# command: %s", slash == NULL ? argv[0] : slash + 1);
    for (int i = 1; i < argc; i++)
        fprintf(file, " %s", argv[i]);
    fprintf(file, "\n# eqspice %s, revision %s, %s, %s\n", eqs_version(), eqs_revision(), eqs_compiler(),
            eqs_build_flags());
    fprintf(file, "# machine: %s, %ld cores, load average at the start %.2f\n", name,
            sysconf(_SC_NPROCESSORS_ONLN), load[0]);
    fprintf(file, "# %s, core %s, 1 thread; packed kernel %s\n", openblas_get_config(),
            openblas_get_corename(), eqs_kernel_get(0)->isa);
    fprintf(file, "# date: %s\n", date);
}

double bench_sgemm_peak(size_t n, size_t products)
{
    float *A = eqs_alloc(n * n, sizeof *A), *B = eqs_alloc(n * n, sizeof *B),
          *C = eqs_alloc(n * n, sizeof *C);
    double best = INFINITY;
    eqs_dense_init();
    for (size_t i = 0; A != NULL && B != NULL && i < n * n; i++) {
        A[i] = 1e-3f * (float)(i % 31);
        B[i] = 1e-3f * (float)(i % 17);
    }
    for (size_t p = 0; A != NULL && B != NULL && C != NULL && p < products; p++) {
        double start = eqs_cpu_clock();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n, (int)n, 1.0f, A, (int)n, B,
                    (int)n, 0.0f, C, (int)n);
        best = fmin(best, eqs_cpu_clock() - start);
    }
    eqs_free(A);
    eqs_free(B);
    eqs_free(C);
    return isfinite(best) ? 2e-9 * (double)n * (double)n * (double)n / best : NAN;
}
