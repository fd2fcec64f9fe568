/* Runs a fuzz target without libFuzzer: every file of a corpus folder, and mutations of each (bytes flipped,
 * removed, doubled; drawn from Philox, so always the same).
 *
 *   fuzz_NAME_replay FOLDER [MUTATIONS of each file] */
#include "tests/fuzz/fuzz.h"

#include "base/random.h"

#include <dirent.h>
#include <sys/stat.h>

enum { LARGEST = 1 << 20, LONGEST_CUT = 64 };

/* a mutation of data[size] into out (LARGEST bytes); its size */
static size_t mutate(const uint8_t *data, size_t size, const eqs_random *random, uint64_t number,
                     uint8_t *out)
{
    enum { DRAWS = 64, MOST_CHANGES = 4 };
    uint64_t draw = number * DRAWS;
    size_t changes = 1 + eqs_random_u32(random, draw++) % MOST_CHANGES;
    memcpy(out, data, size);
    for (size_t i = 0; i < changes && size > 0; i++) {
        size_t at = eqs_random_u32(random, draw++) % size;
        size_t n = 1 + eqs_random_u32(random, draw++) % LONGEST_CUT;
        n = n < size - at ? n : size - at;
        switch (eqs_random_u32(random, draw++) % 4) {
        case 0: /* remove a part */
            memmove(out + at, out + at + n, size - at - n);
            size -= n;
            break;
        case 1: /* say it twice */
            n = size + n <= LARGEST ? n : 0;
            memmove(out + at + n, out + at, size - at);
            size += n;
            break;
        default:
            out[at] = (uint8_t)eqs_random_u32(random, draw++);
        }
    }
    return size;
}

static size_t run_file(const char *path, uint64_t mutations, const eqs_random *random)
{
    static uint8_t data[LARGEST], mutant[LARGEST];
    FILE *file = fopen(path, "rb");
    fuzz_require(file != NULL);
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    for (uint64_t i = 0; i < mutations; i++) {
        size_t n = mutate(data, size, random, i, mutant);
        /* a block of its exact size, so that a sanitizer sees what is read behind its end */
        uint8_t *exact = malloc(n > 0 ? n : 1);
        fuzz_require(exact != NULL);
        memcpy(exact, mutant, n);
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    return 1 + mutations;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [MUTATIONS]\n", argv[0]);
        return 64;
    }
    uint64_t mutations = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    struct dirent **entry;
    int n = scandir(argv[1], &entry, NULL, alphasort);
    size_t files = 0, inputs = 0;
    for (int i = 0; i < n; i++) {
        char path[1024];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry[i]->d_name);
        if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            eqs_random random = eqs_random_stream(1, EQS_RANDOM_TEST, (uint32_t)files++, 0);
            inputs += run_file(path, mutations, &random);
        }
        free(entry[i]);
    }
    free(n >= 0 ? entry : NULL);
    printf("%zu files, %zu inputs\n", files, inputs);
    return files > 0 ? 0 : 1;
}
