#include "base/version.h"

const char *eqs_version(void)
{
    return EQS_VERSION;
}

const char *eqs_revision(void)
{
    return EQS_REVISION;
}

const char *eqs_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *eqs_build_flags(void)
{
    return EQS_BUILD_FLAGS;
}
