/* What this build is; for --version and the /code group of result files. */
#ifndef EQS_BASE_VERSION_H
#define EQS_BASE_VERSION_H

const char *eqs_version(void);  /* "0.1.0", from the root CMakeLists.txt */
const char *eqs_revision(void); /* git revision at configuration time, or "unknown" */
const char *eqs_compiler(void); /* compiler and its version */
const char *eqs_build_flags(void);

#endif
